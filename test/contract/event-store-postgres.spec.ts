import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import type { EventStore, RecordedEvent, SubscriptionItem } from '@peerbridge/event-store';
import { PostgresEventStore } from '@peerbridge/event-store/postgres';
import { openEmbeddedPostgres } from '@peerbridge/platform';
import { anEvent, eventStoreContract, type StoreUnderTest } from '../../libs/event-store/contract.js';
import { Gate } from '../support/gate.js';
import { testRunFolder } from '../support/postgres.js';
import { compiledDist } from '../support/run-typescript.js';

/** An embedded PostgreSQL of its own, behind a gate that keeps an outage going until the test ends it. */
async function openServer() {
  const dataDir = await mkdtemp(join(testRunFolder(), 'event-store-'));
  const server = await openEmbeddedPostgres({ dataDir });
  const gate = await Gate.before(Number(new URL(server.url).port));
  const url = new URL(server.url);
  url.port = String(gate.port);
  const pools: pg.Pool[] = [];
  const openPool = (): pg.Pool => {
    const pool = new pg.Pool({ connectionString: url.href, max: 6 });
    pool.on('error', () => undefined);
    pools.push(pool);
    return pool;
  };
  const answers = async (): Promise<boolean> => {
    const client = new pg.Client({ connectionString: server.url });
    client.on('error', () => undefined);
    return client.connect().then(() => true, () => false).finally(() => client.end().catch(() => undefined));
  };
  return {
    url: url.href,
    openPool,
    async kill(): Promise<void> {
      const [pid] = (await readFile(join(dataDir, 'postgres', 'postmaster.pid'), 'utf8')).split('\n');
      gate.shut();
      process.kill(Number(pid), 'SIGKILL');
    },
    /** The embedded server starts again by itself. */
    async restart(): Promise<void> {
      while (!await answers()) await delay(50);
      gate.open();
    },
    async close(): Promise<void> {
      await Promise.all(pools.map((pool) => pool.end()));
      await gate.close();
      await server.close();
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}

eventStoreContract('PostgreSQL', async (): Promise<StoreUnderTest> => {
  const server = await openServer();
  const store = await PostgresEventStore.open({ pool: server.openPool() });
  return {
    store,
    another: () => PostgresEventStore.open({ pool: server.openPool() }),
    killServer: server.kill,
    restartServer: server.restart,
    close: async () => {
      await store.close();
      await server.close();
    },
  };
});

describe('The PostgreSQL event store', () => {
  let server: Awaited<ReturnType<typeof openServer>>;
  let pool: pg.Pool;
  let store: EventStore;
  beforeAll(async () => {
    server = await openServer();
    pool = server.openPool();
    store = await PostgresEventStore.open({ pool });
  });
  afterAll(async () => {
    await store?.close();
    await server?.close();
  });

  const all = async (): Promise<RecordedEvent[]> => {
    const events: RecordedEvent[] = [];
    for await (const event of store.readAll()) events.push(event);
    return events;
  };

  it('has no head while it is empty, and hands out nothing but word that it is caught up', async () => {
    expect(await store.head()).toBeUndefined();
    expect(await all()).toEqual([]);
    const items: SubscriptionItem[] = [];
    for await (const item of store.subscribeAll({ signal: new AbortController().signal })) {
      items.push(item);
      break;
    }
    expect(items).toEqual([{ kind: 'caughtUp' }]);
    const nothing = await store.append('participant-none', [], { expectedRevision: 'noStream' });
    expect(() => store.assertPosition(nothing.position)).not.toThrow();
  });

  it('lets no later event be seen while an earlier position is not committed', async () => {
    const [theirs, ours] = [`participant-${randomUUID()}`, `participant-${randomUUID()}`];
    const event = anEvent(theirs);
    const elsewhere = await server.openPool().connect();
    await elsewhere.query('begin');
    await elsewhere.query('select * from events.append($1, $2, $3, $4, $5, $6, $7, $8, $9)', [
      [theirs], [-1], [1], [1], [1], [event.metadata.eventId], [event.metadata.type],
      JSON.stringify(event.metadata), JSON.stringify(event.data),
    ]);

    const seen: string[] = [];
    const abort = new AbortController();
    const follower = (async () => {
      for await (const item of store.subscribeAll({ signal: abort.signal })) {
        if (item.kind === 'event') seen.push(item.event.stream);
        if (seen.length === 2) abort.abort();
      }
    })();
    let acknowledged = false;
    const append = store.append(ours, [anEvent(ours)], { expectedRevision: 'noStream' }).then(() => { acknowledged = true; });
    const waiting = "select 1 from pg_locks where locktype = 'advisory' and not granted";
    while (!acknowledged && !(await pool.query(waiting)).rowCount) await delay(10);
    expect([await all(), seen, acknowledged]).toEqual([[], [], false]);

    await elsewhere.query('commit');
    elsewhere.release();
    await Promise.all([append, follower]);
    expect(seen).toEqual([theirs, ours]);
  }, 30_000);

  it('numbers the global order without gaps, whatever was refused', async () => {
    const start = (await all()).length;
    const streams = Array.from({ length: 50 }, () => `consent-${randomUUID()}`);
    await Promise.allSettled(streams.flatMap((stream, index) => [
      store.append(stream, [anEvent(stream), anEvent(stream)], { expectedRevision: index % 3 ? 'noStream' : 4 }),
      store.append(stream, [anEvent(stream)], { expectedRevision: 'noStream' }),
    ]));
    const orders = (await all()).map((event) => Number(event.position.split('.')[1]));
    expect(orders).toEqual(orders.map((_, index) => index + 1));
    expect(orders.length).toBeGreaterThan(start + 50);
  });

  it('fails the append that the server cannot take, and not those that share its commit', async () => {
    const [good, bad] = [`participant-${randomUUID()}`, `participant-${randomUUID()}`];
    const outcomes = await Promise.allSettled([
      store.append(good, [anEvent(good)], { expectedRevision: 'noStream' }),
      store.append(bad, [anEvent(bad, { eventId: 'not a uuid' })], { expectedRevision: 'noStream' }),
    ]);
    expect(outcomes.map((outcome) => outcome.status)).toEqual(['fulfilled', 'rejected']);
  });

  it('keeps what a killed writer was told it has, and nothing twice', async () => {
    const program = fileURLToPath(new URL('../support/event-writer-process.mjs', import.meta.url));
    const writer = spawn(process.execPath, [program, await compiledDist(), server.url], { stdio: ['ignore', 'pipe', 'inherit'] });
    const exited = once(writer, 'exit');
    const [asked, acknowledged] = [new Set<string>(), new Set<string>()];
    for await (const line of createInterface({ input: writer.stdout })) {
      const [word, , eventId] = line.split(' ') as [string, string, string];
      (word === 'asked' ? asked : acknowledged).add(eventId);
      if (acknowledged.size === 500) writer.kill('SIGKILL');
    }
    await exited;

    // The lock is had when the last of the writer's appends is over.
    await pool.query("select pg_advisory_xact_lock(hashtextextended('events.append', 0))");
    const stored = (await all()).map((event) => event.metadata.eventId).filter((id) => asked.has(id));
    expect(acknowledged.size).toBeGreaterThanOrEqual(500);
    expect(new Set(stored).size).toBe(stored.length);
    expect([...acknowledged].filter((id) => !stored.includes(id))).toEqual([]);
    const revisions = new Map<string, number[]>();
    for (const { stream, revision } of await all()) revisions.set(stream, [...revisions.get(stream) ?? [], revision]);
    for (const found of revisions.values()) expect(found).toEqual(found.map((_, index) => index));
  });

  it('ends its subscriptions and refuses appends once it is closed', async () => {
    const closing = await PostgresEventStore.open({ pool: server.openPool() });
    const items: string[] = [];
    const stream = `participant-${randomUUID()}`;
    for await (const item of closing.subscribeAll({ after: await store.head(), signal: new AbortController().signal })) {
      items.push(item.kind);
      if (item.kind === 'caughtUp') void closing.close();
    }
    expect(items).toEqual(['caughtUp']);
    await expect(closing.append(stream, [anEvent(stream)], { expectedRevision: 'noStream' })).rejects.toThrow('closed');
  });
});
