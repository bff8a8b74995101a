import canonicalize from 'canonicalize';
import { execFile } from 'node:child_process';
import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import pg from 'pg';
import type { StoredEvent } from '@peerbridge/event-store';
import { PostgresEventStore } from '@peerbridge/event-store/postgres';
import { openDatabase } from '@peerbridge/platform';
import { keep, percentile, spread, type BenchResult } from './result.js';

const EMMETT = { name: '@event-driven-io/emmett-postgresql', version: '0.42.0' };
const IN_FLIGHT = 32;

/** As much of emmett as is used. It has no licence that would let us depend on it: the bench installs it for itself. */
interface Emmett {
  getPostgreSQLEventStore(url: string): {
    schema: { migrate(): Promise<unknown> };
    appendToStream(
      stream: string, events: { type: string; data: object; metadata: object }[],
      options: { expectedStreamVersion: 'STREAM_DOES_NOT_EXIST' },
    ): Promise<unknown>;
    close(): Promise<void>;
  };
}

interface Measurement extends Record<string, number> {
  perSecond: number;
  p50Ms: number;
  p99Ms: number;
}

/**
 * Durable appends of one event to a stream of its own, 32 in flight: our PostgreSQL store and emmett's on one server, fsync
 * on, the same events, in alternating order. @throws Error where the two do not hold the same in the end
 */
export async function run({ rounds = 5, appends = 5_000 }: { rounds?: number; appends?: number } = {}): Promise<BenchResult> {
  const folder = await mkdtemp(join(tmpdir(), 'peerbridge-bench-'));
  const database = await openDatabase({ dataDir: join(folder, 'data'), applicationName: 'bench' });
  try {
    await database.pool.query('create database emmett');
    const emmettUrl = new URL(database.url);
    emmettUrl.pathname = '/emmett';
    const emmett = (await installEmmett(folder)).getPostgreSQLEventStore(emmettUrl.href);
    await emmett.schema.migrate();
    const peerbridge = await PostgresEventStore.open({ pool: database.pool });

    const append = {
      peerbridge: (event: StoredEvent) => peerbridge.append(event.metadata.stream, [event], { expectedRevision: 'noStream' }),
      emmett: ({ metadata, data }: StoredEvent) => emmett.appendToStream(
        metadata.stream, [{ type: metadata.type, data, metadata }], { expectedStreamVersion: 'STREAM_DOES_NOT_EXIST' }),
    };
    const measured: Record<keyof typeof append, Measurement>[] = [];
    // The first round warms both up and does not count.
    for (let round = 0; round <= rounds; round += 1) {
      const events = Array.from({ length: appends }, contact);
      const result: Partial<Record<keyof typeof append, Measurement>> = {};
      for (const side of round % 2 ? ['peerbridge', 'emmett'] as const : ['emmett', 'peerbridge'] as const) {
        result[side] = await measure(events, append[side]);
      }
      if (round > 0) measured.push({ peerbridge: result.peerbridge!, emmett: result.emmett! });
    }
    await emmett.close();
    await peerbridge.close();
    await assertSame(database.url, emmettUrl.href);

    return await keep({
      name: 'appends',
      circumstances: {
        inFlight: IN_FLIGHT, appends, eventBytes: JSON.stringify(contact()).length, emmett: EMMETT.version, fsync: 'on',
      },
      rounds: measured,
      summary: {
        'peerbridge appends/s': spread(measured.map((one) => one.peerbridge.perSecond)),
        'emmett appends/s': spread(measured.map((one) => one.emmett.perSecond)),
        'peerbridge p99 ms': spread(measured.map((one) => one.peerbridge.p99Ms)),
        'emmett p99 ms': spread(measured.map((one) => one.emmett.p99Ms)),
        'ratio of appends/s': spread(measured.map((one) => one.peerbridge.perSecond / one.emmett.perSecond)),
        'ratio of p99': spread(measured.map((one) => one.peerbridge.p99Ms / one.emmett.p99Ms)),
      },
    });
  } finally {
    await database.close();
    await rm(folder, { recursive: true, force: true });
  }
}

async function installEmmett(folder: string): Promise<Emmett> {
  await writeFile(join(folder, 'package.json'), '{"private": true}');
  await promisify(execFile)('npm', ['install', '--no-audit', '--no-fund', `${EMMETT.name}@${EMMETT.version}`], { cwd: folder });
  return await import(pathToFileURL(join(folder, 'node_modules', EMMETT.name, 'dist', 'index.js')).href) as Emmett;
}

async function measure(events: readonly StoredEvent[], append: (event: StoredEvent) => Promise<unknown>): Promise<Measurement> {
  const latencies: number[] = [];
  const waiting = events.values();
  const start = performance.now();
  await Promise.all(Array.from({ length: IN_FLIGHT }, async () => {
    for (const event of waiting) {
      const asked = performance.now();
      await append(event);
      latencies.push(performance.now() - asked);
    }
  }));
  const perSecond = events.length / ((performance.now() - start) / 1_000);
  return { perSecond, p50Ms: percentile(latencies, 0.5), p99Ms: percentile(latencies, 0.99) };
}

const base64 = (bytes: number): string => randomBytes(bytes).toString('base64');

/** As large as a contact with a summary of a few sentences. */
function contact(): StoredEvent {
  const [commandId, orgId] = [randomUUID(), randomUUID()];
  return {
    metadata: {
      eventId: randomUUID(), type: 'PeerContactLogged', schemaVersion: 1, stream: `peerContact-${randomUUID()}`,
      occurredAt: '2026-01-15T11:30:00.000Z', recordedAt: '2026-01-15T12:00:00.000Z',
      actor: { id: randomUUID(), role: 'peer', orgId }, purpose: 'COC', sourceOrgId: orgId, participantId: randomUUID(),
      labels: { segments: ['peer'], part2: true, confidentiality: 'R' },
      commandId, bodyHash: base64(32), $correlationId: commandId, $causationId: commandId,
      consentRefs: [],
    },
    data: {
      open: { modality: 'phone', supportTypes: ['emotional'], activities: ['coaching'], dimensions: ['health'] },
      sealed: { peer: { keyId: randomUUID(), nonce: base64(12), ciphertext: base64(300) } },
    },
  };
}

/** Emmett counts revisions from 1 and keeps jsonb: compared are the streams, in canonical form. */
async function assertSame(peerbridgeUrl: string, emmettUrl: string): Promise<void> {
  const ours = await hash(peerbridgeUrl, 'select stream, revision::int, metadata, data from events.event order by event_id');
  const theirs = await hash(emmettUrl, `
    select stream_id, stream_position::int - 1, message_metadata, message_data from emt_messages
    order by (message_metadata ->> 'eventId')::uuid`);
  if (ours !== theirs) throw new Error('The two stores do not hold the same events');
}

async function hash(url: string, query: string): Promise<string> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  const { rows } = await client.query<unknown[]>({ text: query, rowMode: 'array' }).finally(() => client.end());
  const sum = createHash('sha256');
  for (const row of rows) sum.update(`${canonicalize(row)}\n`);
  return sum.digest('hex');
}
