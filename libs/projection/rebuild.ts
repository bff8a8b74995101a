import type { Pool, PoolClient } from 'pg';
import { comparePositions, memoryOf, type EventStore, type Position, type RecordedEvent } from '@peerbridge/event-store';
import { unavailable } from '@peerbridge/kernel';
import type { EventCodec } from '@peerbridge/vault';
import { fullBatches, type BatchLimits } from './batches.js';
import { isInLog, type Checkpoint } from './checkpoint.js';
import { pause } from './pause.js';
import { transaction } from './transaction.js';
import { ViewFold } from './view-fold.js';
import { announce, checkpointAfter } from './view-writer.js';
import { View, type LiveView } from './view.js';

const BATCH: BatchLimits<RecordedEvent> = { items: 2_000, bytes: 16 * 1_048_576, bytesOf: memoryOf };
/** What is left to be done while nobody can write the live view is no more than this many events. */
const LEFT_FOR_THE_SWAP = 500;
const LOCK_ASKED_EVERY_MS = 200;

export interface Rebuilt {
  /** SHA-256 of the view that was live, hex; empty where it was built by other projections and cannot be compared. */
  live: string;
  /** SHA-256 of the one built anew, at the same position; empty where nothing was compared. */
  rebuilt: string;
  equal: boolean;
}

export interface FillOptions {
  store: EventStore;
  pool: Pool;
  view: View;
  codec: EventCodec;
  alarm: (event: RecordedEvent, cause: unknown) => void;
  /** Ends it between two batches; what was filled is dropped by the next one. */
  signal?: AbortSignal;
}

export interface RebuildOptions extends FillOptions {
  /** Compare with the live view, at one position, before taking its place. */
  compare?: boolean;
}

/**
 * Fills the next version of the view from the whole log while the live one goes on being read and written, then swaps the two in
 * one transaction at one position. Nobody's read fails: what is retired stays until the next rebuild.
 * @throws DomainError UNAVAILABLE where there is no view yet, or one that is not of this log
 */
export async function rebuildView({ compare = true, ...options }: RebuildOptions): Promise<Rebuilt> {
  const live = await View.live(options.pool);
  if (!live) throw unavailable('There is no view to rebuild: the projector has not made it yet.');
  if (live.checkpoint && !await isInLog(options.store, live.checkpoint)) {
    throw unavailable('The live view is of another log than this one: the projector makes it anew.');
  }
  let compared: Rebuilt = { live: '', rebuilt: '', equal: false };
  await fill(options, async (next) => { if (compare) compared = await comparison(options, next); });
  return compared;
}

/**
 * Makes the view from the whole log while nobody can see it, and swaps it in: at the first start, after a restore, and in
 * place of one that another release has made, whose projector goes on meanwhile.
 */
export async function makeView(options: FillOptions): Promise<void> {
  await fill(options, async () => undefined, (live) => live?.definition === options.view.definition);
}

/** @param isDone asked when nobody else is filling */
async function fill(
  options: FillOptions, beforeSwap: (next: Filling) => Promise<void>,
  isDone: (live: LiveView | undefined) => boolean = () => false,
): Promise<void> {
  const { pool, view, signal } = options;
  const client = await pool.connect();
  let failed = true;
  try {
    while (!await tryLock(client)) {
      await pause(LOCK_ASKED_EVERY_MS, signal ?? NEVER);
      signal?.throwIfAborted();
    }
    if (!isDone(await View.live(client))) {
      // Nobody can see what is filled; the swap is durable, and with it all that was written before.
      await client.query('SET synchronous_commit = off');
      const next = await Filling.begin(options, client);
      // The live view is written meanwhile: nearer and nearer, so that little is left to do at the swap.
      while (await next.fillToLive() > LEFT_FOR_THE_SWAP);
      await view.index(client, next.version);
      await client.query('SET synchronous_commit = on');
      await beforeSwap(next);
      while (await next.fillToLive() > LEFT_FOR_THE_SWAP);
      await swap(client, next);
    }
    failed = false;
  } finally {
    if (!failed) await client.query('SELECT pg_advisory_unlock(hashtext($1))', ['peerbridge.rebuild']);
    // With its session goes the lock.
    client.release(failed);
  }
}

const NEVER = new AbortController().signal;

async function tryLock(client: PoolClient): Promise<boolean> {
  const { rows: [row] } = await client.query<{ locked: boolean }>(
    'SELECT pg_try_advisory_lock(hashtext($1)) AS locked', ['peerbridge.rebuild']);
  return row!.locked;
}

/** The next version while it is being filled. */
class Filling {
  private readonly fold: ViewFold;
  private reached: Checkpoint | undefined;

  private constructor(private readonly options: FillOptions, readonly client: PoolClient, readonly version: number) {
    this.fold = new ViewFold(options.view, View.schema(version), options.codec, options.alarm);
  }

  static async begin(options: FillOptions, client: PoolClient): Promise<Filling> {
    const version = await transaction(client, () => options.view.createNext(client));
    return new Filling(options, client, version);
  }

  get checkpoint(): Checkpoint | undefined {
    return this.reached;
  }

  /** As far as the live view is, or the log where there is none. Answers how many events that were. */
  async fillToLive(): Promise<number> {
    return this.fillTo(await this.goal(await View.live(this.client)));
  }

  /** Many events: each batch is read and folded while the one before it is written. Answers how many there were. */
  async fillTo(until: Position | undefined): Promise<number> {
    const { fold, client } = this;
    let applied = 0;
    let ahead: { events: RecordedEvent[]; written: Promise<unknown> } | undefined;
    /** Whether the batch ahead was written as it was folded; else it is written with more care. */
    const settle = async (): Promise<boolean> => {
      const failed = await ahead?.written;
      if (failed === undefined) return true;
      fold.forget();
      await fold.writing(ahead!.events, (some) => transaction(client, () => fold.apply(client, some)));
      return false;
    };
    for await (const events of this.batches(until)) {
      const before = ahead?.written ?? Promise.resolve();
      let write = await fold.inBulk(client, events, before);
      if (!await settle()) write = await fold.inBulk(client, events, before);
      ahead = { events, written: write().then(() => undefined, (error: unknown) => error) };
      applied += events.length;
    }
    await settle();
    return applied;
  }

  /** What is left, inside a transaction of the caller's, in which the live view stands still. */
  async finish(live: LiveView | undefined): Promise<void> {
    for await (const events of this.batches(await this.goal(live))) await this.fold.apply(this.client, events);
  }

  private async goal(live: LiveView | undefined): Promise<Position | undefined> {
    return live ? live.checkpoint?.position : this.options.store.head();
  }

  private async *batches(until: Position | undefined): AsyncGenerator<RecordedEvent[]> {
    if (until === undefined) return;
    for await (const events of fullBatches(this.events(until), BATCH)) {
      this.options.signal?.throwIfAborted();
      this.reached = checkpointAfter(events);
      yield events;
    }
  }

  private async *events(until: Position): AsyncGenerator<RecordedEvent> {
    for await (const event of this.options.store.readAll({ after: this.reached?.position })) {
      if (comparePositions(event.position, until) > 0) return;
      yield event;
    }
  }
}

/** The hashes of both versions at one position, each read by a connection of its own. Nobody waits for it. */
async function comparison({ pool, view }: FillOptions, next: Filling): Promise<Rebuilt> {
  const snapshot = await pool.connect();
  try {
    await snapshot.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
    const standing = (await View.live(snapshot))!;
    const [live, rebuilt] = await Promise.all([
      standing.definition === view.definition ? view.hash(snapshot, standing.version) : '',
      next.fillTo(standing.checkpoint?.position)
        .then(() => transaction(next.client, () => view.hash(next.client, next.version))),
    ]);
    return { live, rebuilt, equal: live === rebuilt };
  } finally {
    await snapshot.query('ROLLBACK').catch(() => undefined);
    snapshot.release();
  }
}

async function swap(client: PoolClient, next: Filling): Promise<void> {
  await transaction(client, async () => {
    // From here on the live view stands still; its readers do not.
    const retiring = await View.live(client, { lock: true });
    await next.finish(retiring);
    const { checkpoint, version } = next;
    await client.query('UPDATE runtime.checkpoint SET position = $2, event_id = $3 WHERE consumer = $1',
      [View.consumer(version), checkpoint?.position ?? null, checkpoint?.eventId ?? null]);
    if (retiring) await View.close(client, retiring.version);
    await client.query('UPDATE runtime.view SET live = true WHERE version = $1', [version]);
    // Without its checkpoint the old version's writer finds itself fenced and looks for the new one.
    if (retiring) await client.query('DELETE FROM runtime.checkpoint WHERE consumer = $1', [View.consumer(retiring.version)]);
    if (checkpoint) await announce(client, { version, position: checkpoint.position, participantIds: null });
  });
}
