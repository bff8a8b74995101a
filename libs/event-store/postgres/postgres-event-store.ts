import type { Pool } from 'pg';
import type { EventData, EventMetadata } from '@peerbridge/kernel';
import { migrate } from '@peerbridge/platform';
import {
  AppendTooLarge, ForeignPosition, MAX_APPEND_BYTES, StoreUnavailable, WrongExpectedRevision, type AppendResult, type EventFilter,
  type EventStore, type ExpectedRevision, type Position, type ReadAllOptions, type ReadStreamOptions, type RecordedEvent,
  type StoredEvent, type StoreHealth, type SubscribeAllOptions, type SubscriptionItem,
} from '../port.js';
import { GroupCommit, type AppendOutcome, type PendingAppend } from './group-commit.js';
import { eventStoreMigrations } from './migrations.js';
import { Server } from './server.js';

/** Events to a page, and how much of the log one query may search for them. */
const PAGE_EVENTS = 2_000;
const SEARCH_WINDOW = 20_000;
const ORDER_DIGITS = 20;

/** A stretch of the global order that was looked through. */
interface Page {
  events: readonly RecordedEvent[];
  /** Everything up to here was looked at. */
  reached: number;
  isLast: boolean;
}

/** A bigint as the pool's type parsers give it. */
type Bigint = string | number;
type EventRow = [position: Bigint, stream: string, revision: Bigint, metadata: EventMetadata, data: EventData];

/**
 * The event store on PostgreSQL. One global order, in which an event is visible only when all before it are: appends of
 * all processes follow one another under an advisory lock, and those of one process share commits.
 */
export class PostgresEventStore implements EventStore {
  private readonly commits: GroupCommit;

  private constructor(private readonly server: Server, private readonly storeId: string) {
    this.commits = new GroupCommit((batch) => this.commit(batch));
  }

  /**
   * Migrates the schema `events`. The pool stays the caller's, who closes it after the store. From the first subscription on,
   * one of its connections is kept for notifications.
   */
  static async open({ pool }: { pool: Pool }): Promise<EventStore> {
    await migrate(pool, 'events', eventStoreMigrations);
    const server = new Server(pool);
    const [row] = await server.query<[string]>('store', 'select id from events.store');
    if (!row) throw new Error('The event store has lost its id');
    return new PostgresEventStore(server, row[0]);
  }

  async append(
    stream: string, events: readonly StoredEvent[], { expectedRevision }: { expectedRevision: ExpectedRevision },
  ): Promise<AppendResult> {
    if (events.length === 0) return this.appendOfNothing(stream);
    const append = toPending(stream, events, expectedRevision);
    const { actual, position } = await this.commits.submit(append);
    if (position !== undefined) return { revision: append.expected + events.length, position: this.positionOf(position) };
    const first = await this.earlierAppend(append);
    if (first) return first;
    throw new WrongExpectedRevision(stream, expectedRevision, actual < 0 ? 'noStream' : actual);
  }

  async *readStream(stream: string, options: ReadStreamOptions = {}): AsyncIterable<RecordedEvent> {
    const { from, direction = 'forwards', limit = Infinity } = options;
    const forwards = direction === 'forwards';
    let next = from ?? (forwards ? 0 : Number.MAX_SAFE_INTEGER);
    for (let left = limit; left > 0;) {
      const size = Math.min(left, PAGE_EVENTS);
      const rows = await this.server.query<EventRow>(`stream.${direction}`, `
        select position, stream, revision, metadata, data from events.event
        where stream = $1 and revision ${forwards ? '>=' : '<='} $2
        order by revision ${forwards ? 'asc' : 'desc'} limit $3`, [stream, next, size]);
      for (const row of rows) yield this.toRecorded(row);
      if (rows.length < size) return;
      left -= size;
      next = Number(rows.at(-1)![2]) + (forwards ? 1 : -1);
    }
  }

  async *readAll({ after, filter, limit }: ReadAllOptions = {}): AsyncIterable<RecordedEvent> {
    for await (const page of this.pages(this.orderOf(after), filter, limit)) yield* page.events;
  }

  subscribeAll({ signal, ...options }: SubscribeAllOptions): AsyncIterable<SubscriptionItem> {
    return {
      [Symbol.asyncIterator]: () => {
        // A generator's own return() would wait for the next event.
        const returned = new AbortController();
        const items = this.follow(options, AbortSignal.any([signal, returned.signal, this.server.closed]));
        return {
          next: () => items.next(),
          return: () => {
            returned.abort();
            return items.return(undefined);
          },
        };
      },
    };
  }

  async head(): Promise<Position | undefined> {
    const order = await this.headOrder();
    return order === 0 ? undefined : this.positionOf(order);
  }

  async eventIdAt(position: Position): Promise<string | undefined> {
    const [row] = await this.server.query<[id: string]>(
      'idAt', 'select event_id from events.event where position = $1', [this.orderOf(position)]);
    return row?.[0];
  }

  /** Positions are counted without a gap. */
  async countAfter(position: Position | undefined, atMost: number): Promise<number> {
    return Math.max(0, Math.min(await this.headOrder() - this.orderOf(position), atMost));
  }

  assertPosition(position: Position): void {
    this.orderOf(position);
  }

  health(): StoreHealth {
    return this.server.health();
  }

  async close(): Promise<void> {
    await this.commits.drained();
    await this.server.close();
  }

  private async commit(batch: readonly PendingAppend[]): Promise<readonly AppendOutcome[]> {
    const events = batch.flatMap((append) => append.events);
    const owners = batch.flatMap((append, index) => append.events.map(() => index + 1));
    const places = batch.flatMap((append) => append.events.map((_, index) => index + 1));
    const rows = await this.server.query<[actual: Bigint, position: Bigint | null]>(
      'append', 'select * from events.append($1, $2, $3, $4, $5, $6, $7, $8, $9)',
      [
        batch.map((append) => append.stream), batch.map((append) => append.expected), batch.map((append) => append.events.length),
        owners, places, events.map((event) => event.id), events.map((event) => event.type),
        jsonLines(events.map((event) => event.metadata)), jsonLines(events.map((event) => event.data)),
      ],
    );
    return rows.map(([actual, position]) => ({
      actual: Number(actual),
      position: position === null ? undefined : Number(position),
    }));
  }

  /** The result of an earlier append that wrote the same ids at the same revision, or began with them. */
  private async earlierAppend({ stream, expected, events }: PendingAppend): Promise<AppendResult | undefined> {
    const rows = await this.server.query<[id: string, revision: Bigint, position: Bigint]>('earlier', `
      select event_id, revision, position from events.event
      where stream = $1 and revision > $2 order by revision limit $3`, [stream, expected, events.length]);
    const last = rows.at(-1);
    const isRepeat = rows.length === events.length && rows.every(([id], index) => id === events[index]?.id);
    return last && isRepeat ? { revision: Number(last[1]), position: this.positionOf(Number(last[2])) } : undefined;
  }

  private async appendOfNothing(stream: string): Promise<AppendResult> {
    const [last] = await this.server.query<[revision: Bigint]>(
      'revision', 'select revision from events.event where stream = $1 order by revision desc limit 1', [stream]);
    return { revision: last ? Number(last[0]) : -1, position: this.positionOf(await this.headOrder()) };
  }

  private async headOrder(): Promise<number> {
    const [row] = await this.server.query<[head: Bigint]>('head', 'select coalesce(max(position), 0) from events.event');
    return Number(row?.[0] ?? 0);
  }

  private async *follow(
    { after, filter }: { after?: Position; filter?: EventFilter }, signal: AbortSignal,
  ): AsyncGenerator<SubscriptionItem, void> {
    let handedOver = this.orderOf(after);
    let wasCaughtUp = false;
    while (!signal.aborted) {
      const seen = this.server.appended;
      try {
        for await (const page of this.pages(handedOver, filter, Infinity, signal)) {
          for (const event of page.events) {
            if (signal.aborted) return;
            yield { kind: 'event', event };
          }
          if (signal.aborted) return;
          if (page.events.length === 0 && page.reached > handedOver) {
            yield { kind: 'checkpoint', position: this.positionOf(page.reached) };
          }
          handedOver = page.reached;
        }
        if (!wasCaughtUp && !signal.aborted) yield { kind: 'caughtUp' };
        wasCaughtUp = true;
      } catch (error) {
        if (!(error instanceof StoreUnavailable)) throw error;
      }
      await this.server.more(seen, signal);
    }
  }

  /** From after `order` to the head or the limit. The next page is fetched while one is being read. */
  private async *pages(
    order: number, filter: EventFilter | undefined, limit = Infinity, signal?: AbortSignal,
  ): AsyncGenerator<Page, void> {
    let left = limit;
    let next = this.page(order, filter, left);
    for (;;) {
      const page = await unlessAborted(next, signal);
      if (!page) return;
      left -= page.events.length;
      if (page.isLast || left <= 0) {
        yield page;
        return;
      }
      next = this.page(page.reached, filter, left);
      // A reader who stops here never asks how it went.
      next.catch(() => undefined);
      yield page;
    }
  }

  private async page(after: number, filter: EventFilter | undefined, limit: number): Promise<Page> {
    const size = Math.min(limit, PAGE_EVENTS);
    // The head is read with the events, in one snapshot, so that "looked at up to here" holds.
    const rows = await this.server.query<[head: Bigint, ...EventRow] | [head: Bigint, null]>('page', `
      select log.head, e.position, e.stream, e.revision, e.metadata, e.data
      from (select coalesce(max(position), 0) as head from events.event) log
      left join lateral (
        select * from events.event
        where position > $1 and position <= least(log.head, $2) and ($3::text[] is null or stream ^@ any($3))
        order by position limit $4
      ) e on true
      order by e.position`, [after, after + SEARCH_WINDOW, filter?.streamPrefixes ?? null, size]);
    const head = Number(rows[0]?.[0] ?? 0);
    const events = rows.flatMap(([, ...row]) => (row[0] === null ? [] : [this.toRecorded(row as EventRow)]));
    const last = rows.at(-1)?.[1];
    const reached = events.length === size ? Number(last) : Math.max(after, Math.min(head, after + SEARCH_WINDOW));
    return { events, reached, isLast: reached >= head };
  }

  private toRecorded([position, stream, revision, metadata, data]: EventRow): RecordedEvent {
    return { metadata, data, stream, revision: Number(revision), position: this.positionOf(Number(position)) };
  }

  private positionOf(order: number): Position {
    return `pg${this.storeId}.${String(order).padStart(ORDER_DIGITS, '0')}`;
  }

  private orderOf(position: Position | undefined): number {
    if (position === undefined) return 0;
    const prefix = `pg${this.storeId}.`;
    const order = position.startsWith(prefix) ? position.slice(prefix.length) : '';
    if (order.length !== ORDER_DIGITS || !/^\d+$/.test(order)) throw new ForeignPosition();
    return Number(order);
  }
}

/** JSON.stringify writes no line breaks of its own. */
const jsonLines = (texts: readonly string[]): string => texts.join('\n');

/** @throws AppendTooLarge */
function toPending(stream: string, events: readonly StoredEvent[], expectedRevision: ExpectedRevision): PendingAppend {
  let bytes = 0;
  const entries = events.map((event) => {
    const [metadata, data] = [JSON.stringify(event.metadata), JSON.stringify(event.data)];
    bytes += Buffer.byteLength(metadata) + Buffer.byteLength(data);
    return { id: event.metadata.eventId, type: event.metadata.type, metadata, data };
  });
  if (bytes > MAX_APPEND_BYTES) throw new AppendTooLarge(MAX_APPEND_BYTES);
  return { stream, expected: expectedRevision === 'noStream' ? -1 : expectedRevision, events: entries, bytes };
}

/** Undefined as soon as the signal aborts, whatever becomes of the promise. */
async function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T | undefined> {
  if (!signal) return promise;
  let stop!: () => void;
  const aborted = new Promise<undefined>((resolve) => { stop = () => resolve(undefined); });
  signal.addEventListener('abort', stop);
  if (signal.aborted) stop();
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    signal.removeEventListener('abort', stop);
  }
}
