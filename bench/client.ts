import { fork, type ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import http from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Dev } from '../test/support/client.js';

export interface BenchServer extends Dev {
  pid: number;
  /** Of the embedded database and everything else. */
  dataDir: string;
  close(): Promise<void>;
}

/** The product on an embedded PostgreSQL of its own, in a process of its own. */
export async function startServer(): Promise<BenchServer> {
  const dataDir = await mkdtemp(join(tmpdir(), 'peerbridge-bench-'));
  const child: ChildProcess = fork(new URL('./server.js', import.meta.url), {
    env: { ...process.env, DATA_DIR: dataDir, PORT: '0', LOG_LEVEL: 'error' },
    execArgv: process.env['BENCH_PROFILE'] ? ['--cpu-prof', '--cpu-prof-dir', process.env['BENCH_PROFILE']] : [],
  });
  const started = await new Promise<Dev & { pid: number }>((resolve, reject) => {
    child.once('message', (message) => resolve(message as BenchServer));
    child.once('exit', (code) => reject(new Error(`The server ended with ${code}`)));
  });
  return {
    ...started, dataDir,
    async close() {
      const ended = new Promise((resolve) => { child.once('exit', resolve); });
      child.kill('SIGTERM');
      await ended;
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}

/** GraphQL over kept-alive connections, as many as are in flight. */
export class GraphqlClient {
  private readonly agent = new http.Agent({ keepAlive: true, maxSockets: 256 });

  constructor(private readonly url: string) {}

  post(token: string, body: string): Promise<string> {
    return new Promise((resolve, reject) => {
      const request = http.request(this.url, {
        agent: this.agent, method: 'POST',
        headers: {
          'content-type': 'application/json', authorization: `Bearer ${token}`, 'content-length': Buffer.byteLength(body),
        },
      }, (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('end', () => resolve(Buffer.concat(chunks).toString('utf8')));
      });
      request.on('error', reject);
      request.end(body);
    });
  }

  /** @throws Error where the answer has errors: what is refused is not measured */
  async ask<Data>(token: string, query: string, variables: object): Promise<Data> {
    const answer = JSON.parse(await this.post(token, JSON.stringify({ query, variables }))) as { data: Data; errors?: unknown };
    if (answer.errors) throw new Error(JSON.stringify(answer.errors));
    return answer.data;
  }

  close(): void {
    this.agent.destroy();
  }
}

/** Runs `work` `total` times, `inFlight` at a time; per second. */
export async function rate(total: number, inFlight: number, work: (index: number) => Promise<unknown>): Promise<number> {
  let next = 0;
  const start = performance.now();
  await Promise.all(Array.from({ length: inFlight }, async () => {
    while (next < total) await work(next++);
  }));
  return total / ((performance.now() - start) / 1_000);
}

export const logContact = `mutation ($input: LogPeerContactInput!) { logPeerContact(input: $input) { id position } }`;
export const contactInput = (participantId: string) => ({
  commandId: randomUUID(), participantId, startedAt: '2026-01-15T11:00:00.000Z', endedAt: '2026-01-15T11:52:00.000Z',
  modality: 'phone', supportTypes: ['emotional'], dimensions: ['home'], activities: ['coaching'],
  summary: 'We talked about the week, what went well, and what to try next.',
});

export async function enroll(client: GraphqlClient, token: string): Promise<string> {
  const { enrollParticipant } = await client.ask<{ enrollParticipant: { id: string } }>(
    token, 'mutation ($input: EnrollParticipantInput!) { enrollParticipant(input: $input) { id } }',
    { input: { commandId: randomUUID(), occurredAt: '2026-01-02T09:00:00.000Z', preferredName: 'Jo', language: 'en' } });
  return enrollParticipant.id;
}
