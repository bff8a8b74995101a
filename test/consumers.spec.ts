import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { migrate } from '@peerbridge/platform';
import { PostgresCheckpointStore, runtimeMigrations, withLease, type Checkpoint } from '@peerbridge/projection';
import { createTestDatabase, type TestDatabase } from './support/postgres.js';

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
  await migrate(database.pool, 'runtime', runtimeMigrations);
});
afterAll(() => database.drop());

describe('A checkpoint', () => {
  const checkpoints = () => new PostgresCheckpointStore(database.pool);
  const at = (order: number): Checkpoint => ({ position: `pg.${order}`, eventId: `00000000-0000-4000-8000-00000000000${order}` });

  it('is at the beginning before it was moved', async () => {
    expect(await checkpoints().load('nobody')).toBeUndefined();
  });

  it('moves from where it is', async () => {
    expect(await checkpoints().advance('mover', undefined, at(1))).toBe(true);
    expect(await checkpoints().advance('mover', at(1), at(2))).toBe(true);
    expect(await checkpoints().load('mover')).toEqual(at(2));
  });

  it.each([undefined, 1, 3])('that is elsewhere stays where it is for one who believes it at %s', async (order) => {
    const believed = order === undefined ? undefined : at(order);
    const consumer = `fenced-${order}`;
    await checkpoints().advance(consumer, undefined, at(2));
    expect(await checkpoints().advance(consumer, believed, at(9))).toBe(false);
    expect(await checkpoints().load(consumer)).toEqual(at(2));
  });

  it('keeps count with its moves, and of none that was refused', async () => {
    const count = async () => (await checkpoints().progress('counter')).published;
    expect(await count()).toBe(0);
    await checkpoints().advance('counter', undefined, at(1), 3);
    await checkpoints().advance('counter', at(1), at(2), 4);
    await checkpoints().advance('counter', at(1), at(3), 5);
    expect(await checkpoints().progress('counter')).toEqual({ checkpoint: at(2), published: 7 });
  });

  it('goes back to the beginning, and keeps its count', async () => {
    await checkpoints().advance('anew', undefined, at(1), 3);
    expect(await checkpoints().advance('anew', at(1), undefined)).toBe(true);
    expect(await checkpoints().progress('anew')).toEqual({ checkpoint: undefined, published: 3 });
    expect(await checkpoints().advance('anew', undefined, at(2), 4)).toBe(true);
    expect(await checkpoints().progress('anew')).toEqual({ checkpoint: at(2), published: 7 });
  });

  it('that is gone is not moved', async () => {
    expect(await checkpoints().advance('gone', at(1), at(2))).toBe(false);
    expect(await checkpoints().load('gone')).toBeUndefined();
  });

  it('goes to exactly one of those who start together', async () => {
    const race = Array.from({ length: 8 }, (_, nth) => checkpoints().advance('racers', undefined, at(nth)));
    const moved = await Promise.all(race);
    expect(moved.filter(Boolean)).toHaveLength(1);
  });
});

describe('A lease', () => {
  /** Who works now, and the server's sessions that hold the lease. */
  class Workers {
    readonly working: string[] = [];
    readonly history: string[] = [];
    readonly sessions = new Map<string, number>();

    readonly connect = (name: string) => async (): Promise<pg.Client> => {
      const client = new pg.Client({ connectionString: database.url });
      await client.connect();
      const { rows } = await client.query<{ pid: number }>('select pg_backend_pid() as pid');
      this.sessions.set(name, rows[0]!.pid);
      return client;
    };

    start(name: string, lease: string): { stop(): Promise<void> } {
      const abort = new AbortController();
      const ended = withLease(this.connect(name), lease, abort.signal, async (signal) => {
        this.working.push(name);
        this.history.push(name);
        await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
        this.working.splice(this.working.indexOf(name), 1);
      });
      return {
        stop: async () => {
          abort.abort();
          await ended;
        },
      };
    }

    async until(condition: () => boolean): Promise<void> {
      while (!condition()) await delay(10);
    }
  }

  it('lets one work at a time, and the next when the first stops', async () => {
    const workers = new Workers();
    const first = workers.start('first', 'one-at-a-time');
    await workers.until(() => workers.working.length === 1);
    const second = workers.start('second', 'one-at-a-time');
    await workers.until(() => workers.sessions.has('second'));
    await delay(1_200);
    expect(workers.working).toEqual(['first']);
    await first.stop();
    await workers.until(() => workers.working.length === 1);
    expect(workers.working).toEqual(['second']);
    await second.stop();
  }, 30_000);

  it('tells its holder to stop when the session is lost, and is sought anew', async () => {
    const workers = new Workers();
    const holder = workers.start('holder', 'lost');
    await workers.until(() => workers.working.length === 1);
    await database.pool.query('select pg_terminate_backend($1)', [workers.sessions.get('holder')]);
    await workers.until(() => workers.working.length === 0);
    await workers.until(() => workers.history.length === 2);
    await holder.stop();
    expect(workers.working).toEqual([]);
  }, 30_000);

  it('waits for a server that cannot be reached', async () => {
    let refused = 0;
    let worked = false;
    const connect = async (): Promise<pg.Client> => {
      refused += 1;
      if (refused < 3) throw new Error('connection refused');
      const client = new pg.Client({ connectionString: database.url });
      await client.connect();
      return client;
    };
    await withLease(connect, 'unreachable', new AbortController().signal, async () => { worked = true; });
    expect([refused, worked]).toEqual([3, true]);
  }, 30_000);

  it('is given back when the work is done or fails, and the failure is told', async () => {
    const workers = new Workers();
    const work = (run: () => Promise<void>) => withLease(workers.connect('one'), 'returned', new AbortController().signal, run);
    await expect(work(async () => { throw new Error('a defect'); })).rejects.toThrow('a defect');
    let worked = false;
    await work(async () => { worked = true; });
    expect(worked).toBe(true);
  }, 30_000);
});
