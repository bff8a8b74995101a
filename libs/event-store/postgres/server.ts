import { setTimeout as delay } from 'node:timers/promises';
import pg, { type Pool, type PoolClient, type QueryArrayConfig } from 'pg';
import { StoreUnavailable, type StoreHealth } from '../port.js';

const APPENDED_CHANNEL = 'events_appended';
/** How long a subscriber sleeps at most, should a notification be lost with its connection. */
const POLL_MS = 500;
const FIRST_RETRY_MS = 50;
const LAST_RETRY_MS = 1_000;
/** A connection that is silent for so long is given up: the other end may be gone without a word. */
const QUERY_TIMEOUT_MS = 30_000;

/** SQLSTATE classes that say nothing about the statement: connection, rollback, resources, operator, system. */
const OUTAGES = /^(08|40|53|57|58|25006$|55P03$)/;

function isOutage(error: unknown): boolean {
  if (error instanceof pg.DatabaseError) return OUTAGES.test(error.code ?? '');
  return !(error instanceof TypeError || error instanceof RangeError);
}

/** The PostgreSQL server as the store sees it: queries that fail as StoreUnavailable, its health, and word of new events. */
export class Server {
  private down: string | undefined;
  private appends = 0;
  private readonly sleepers = new Set<() => void>();
  private readonly closing = new AbortController();
  private recovering: Promise<void> | undefined;
  private listening: Promise<void> | undefined;

  constructor(private readonly pool: Pool) {
    pool.on('error', this.onIdleError);
  }

  get closed(): AbortSignal {
    return this.closing.signal;
  }

  health(): StoreHealth {
    return this.down === undefined ? { status: 'up' } : { status: 'down', reason: this.down };
  }

  /** @throws StoreUnavailable when there was no answer; a DatabaseError when the statement itself is at fault */
  async query<Row extends unknown[]>(name: string, text: string, values: unknown[] = []): Promise<Row[]> {
    if (this.closed.aborted) throw new StoreUnavailable('The event store is closed');
    try {
      const query: QueryArrayConfig & { query_timeout: number } = {
        name: `events.${name}`, text, values, rowMode: 'array', query_timeout: QUERY_TIMEOUT_MS,
      };
      const { rows } = await this.pool.query<Row>(query);
      this.up();
      return rows;
    } catch (error) {
      if (!isOutage(error)) throw error;
      this.fail(error);
      throw new StoreUnavailable('The event store cannot be reached', { cause: error });
    }
  }

  /** Counts up whenever something may have been appended. */
  get appended(): number {
    return this.appends;
  }

  /** Until more than `seen` was appended, or for POLL_MS, or until the signal aborts. */
  async more(seen: number, signal: AbortSignal): Promise<void> {
    this.listening ??= this.listen();
    if (this.appends !== seen || signal.aborted) return;
    await new Promise<void>((resolve) => {
      const wake = (): void => {
        clearTimeout(poll);
        signal.removeEventListener('abort', wake);
        this.sleepers.delete(wake);
        resolve();
      };
      const poll = setTimeout(wake, POLL_MS);
      signal.addEventListener('abort', wake);
      this.sleepers.add(wake);
    });
  }

  async close(): Promise<void> {
    this.closing.abort();
    await Promise.all([this.recovering, this.listening]);
    this.pool.off('error', this.onIdleError);
  }

  private readonly onIdleError = (error: Error): void => this.fail(error);

  private wakeAll(): void {
    this.appends += 1;
    for (const wake of [...this.sleepers]) wake();
  }

  private up(): void {
    if (this.down === undefined) return;
    this.down = undefined;
    this.wakeAll();
  }

  private fail(error: unknown): void {
    if (this.closed.aborted) return;
    this.down = error instanceof Error && error.message ? error.message : 'no connection';
    this.recovering ??= this.recover().finally(() => { this.recovering = undefined; });
  }

  private async recover(): Promise<void> {
    let pause = FIRST_RETRY_MS;
    for (; this.down !== undefined && !this.closed.aborted; pause = Math.min(2 * pause, LAST_RETRY_MS)) {
      await delay(pause, undefined, { signal: this.closed }).catch(() => undefined);
      await this.query('ping', 'select 1').catch(() => undefined);
    }
  }

  /** Keeps one connection of the pool for notifications, and takes another when it breaks. */
  private async listen(): Promise<void> {
    while (!this.closed.aborted) {
      let client: PoolClient | undefined;
      try {
        client = await this.pool.connect();
        const broken = this.brokenOrClosed(client);
        client.on('notification', () => this.wakeAll());
        await client.query(`listen ${APPENDED_CHANNEL}`);
        // What was appended while nobody listened.
        this.wakeAll();
        await broken;
      } catch (error) {
        this.fail(error);
        await delay(FIRST_RETRY_MS, undefined, { signal: this.closed }).catch(() => undefined);
      } finally {
        client?.removeAllListeners('notification');
        client?.release(true);
      }
    }
  }

  /** Resolves when the store closes; rejects when the connection breaks. */
  private brokenOrClosed(client: PoolClient): Promise<void> {
    const broken = new Promise<void>((resolve, reject) => {
      const close = (): void => resolve();
      if (this.closed.aborted) close();
      this.closed.addEventListener('abort', close);
      client.once('end', () => {
        this.closed.removeEventListener('abort', close);
        reject(new Error('The connection for notifications ended'));
      });
      client.on('error', reject);
    });
    broken.catch(() => undefined);
    return broken;
  }
}
