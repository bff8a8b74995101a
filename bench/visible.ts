import { readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { contactInput, enroll, GraphqlClient, logContact, startServer } from './client.js';
import { keep, percentile, spread, type BenchResult } from './result.js';

const COMMANDS_PER_SECOND = 300;
const OBSERVED_PER_SECOND = 20;
const see = `query ($id: ID!, $at: String) {
  participant(id: $id, atLeast: $at) { id contacts(first: 1) { edges { node { id } } } }
}`;

/**
 * From acknowledgement to visible in GraphQL at 300 commands a second, and the resident memory of the process under that
 * load. Visible is asked by position: the answer comes when the view has it.
 */
export async function run({ rounds = 5, seconds = 10 }: { rounds?: number; seconds?: number } = {}): Promise<BenchResult> {
  const server = await startServer();
  const client = new GraphqlClient(server.graphql);
  try {
    const token = server.tokens['peer']!;
    const people: string[] = [];
    for (let index = 0; index < 64; index += 1) people.push(await enroll(client, token));
    const measured: { p50Ms: number; p99Ms: number; achievedPerSecond: number; residentMiB: number; stale: number }[] = [];
    for (let round = 0; round <= rounds; round += 1) {
      const latencies: number[] = [];
      let stale = 0;
      let largest = 0;
      const pending: Promise<void>[] = [];
      const start = performance.now();
      for (let sent = 0; sent < COMMANDS_PER_SECOND * seconds; sent += 1) {
        const due = start + (sent * 1_000) / COMMANDS_PER_SECOND;
        if (due > performance.now()) await delay(due - performance.now());
        const participantId = people[sent % people.length]!;
        const observed = sent % (COMMANDS_PER_SECOND / OBSERVED_PER_SECOND) === 0;
        pending.push((async () => {
          const { logPeerContact: { id, position } } = await client.ask<{ logPeerContact: { id: string; position: string } }>(
            token, logContact, { input: contactInput(participantId) });
          if (!observed) return;
          const acknowledged = performance.now();
          const { participant } = await client.ask<{ participant: { contacts: { edges: { node: { id: string } }[] } } }>(
            token, see, { id: participantId, at: position });
          latencies.push(performance.now() - acknowledged);
          if (participant.contacts.edges[0]?.node.id !== id) stale += 1;
        })());
        if (observed) largest = Math.max(largest, await residentMiB(server.pid));
      }
      await Promise.all(pending);
      const achievedPerSecond = (COMMANDS_PER_SECOND * seconds) / ((performance.now() - start) / 1_000);
      if (round > 0) {
        measured.push({
          p50Ms: percentile(latencies, 0.5), p99Ms: percentile(latencies, 0.99), achievedPerSecond, residentMiB: largest, stale,
        });
      }
    }
    return await keep({
      name: 'visible',
      circumstances: { commandsPerSecond: COMMANDS_PER_SECOND, seconds },
      rounds: measured,
      summary: {
        'p50 ms': spread(measured.map((one) => one.p50Ms)),
        'p99 ms': spread(measured.map((one) => one.p99Ms)),
        'commands/s achieved': spread(measured.map((one) => one.achievedPerSecond)),
        'resident MiB': spread(measured.map((one) => one.residentMiB)),
        'stale reads': spread(measured.map((one) => one.stale)),
      },
    });
  } finally {
    client.close();
    await server.close();
  }
}

/** Of a process on Linux. */
async function residentMiB(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1_024;
}
