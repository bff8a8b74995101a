import type { Pool, PoolClient } from 'pg';
import { comparePositions, type EventStore, type Position, type RecordedEvent } from '@peerbridge/event-store';
import { unavailable } from '@peerbridge/kernel';
import type { EventCodec } from '@peerbridge/vault';
import { transaction } from './transaction.js';
import { ViewFold } from './view-fold.js';
import { announce } from './view-writer.js';
import { View, type ViewVersion } from './view.js';

const BATCH_SIZE = 2_000;

export interface Rebuilt {
  /** SHA-256 of the view that was live, hex; empty where it was built by other projections and cannot be compared. */
  live: string;
  /** SHA-256 of the one built anew, at the same position; empty where nothing was compared. */
  rebuilt: string;
  equal: boolean;
}

export interface RebuildOptions {
  store: EventStore;
  pool: Pool;
  view: View;
  codec: EventCodec;
  alarm: (event: RecordedEvent, cause: unknown) => void;
  /** Compare with the live view, at one position, before taking its place. */
  compare?: boolean;
  /** Ends the rebuild between two batches; what was filled is dropped by the next one. */
  signal?: AbortSignal;
}

interface LiveCheckpoint extends ViewVersion {
  position: Position | null;
}

/**
 * Fills the next version of the view from the whole log while the live one goes on being read and written, then swaps
 * the two in one transaction at one position. Nobody's read fails: what is retired stays until the next rebuild.
 * @throws DomainError UNAVAILABLE where there is no view yet
 */
export async function rebuildView(options: RebuildOptions): Promise<Rebuilt> {
  const { pool, view, compare = true } = options;
  const client = await pool.connect();
  let failed = true;
  try {
    await client.query('SELECT pg_advisory_lock(hashtext($1))', ['peerbridge.rebuild']);
    await liveCheckpoint(client);
    // Nobody can see what is filled; the swap is durable, and with it all that was written before.
    await client.query('SET synchronous_commit = off');
    const next = await Filling.begin(options, client);
    // The live view is written meanwhile: nearer and nearer, so that little is left to do at the swap.
    while (await next.fillTo((await liveCheckpoint(client)).position) >= BATCH_SIZE);
    await view.index(client, next.version);
    await client.query('SET synchronous_commit = on');
    const compared = compare ? await comparison(options, client, next) : { live: '', rebuilt: '', equal: false };
    await swap(client, next);
    failed = false;
    return compared;
  } finally {
    if (!failed) await client.query('SELECT pg_advisory_unlock(hashtext($1))', ['peerbridge.rebuild']);
    // With its session goes the lock.
    client.release(failed);
  }
}

async function liveCheckpoint(client: PoolClient, lock: '' | 'FOR UPDATE OF checkpoint' = ''): Promise<LiveCheckpoint> {
  const { rows } = await client.query<LiveCheckpoint>(
    `SELECT version, definition, position FROM runtime.view JOIN runtime.checkpoint ON consumer = 'view_v' || version
     WHERE live ${lock}`);
  if (!rows[0]) throw unavailable('There is no view to rebuild: the system never ran on this database.');
  return rows[0];
}

/** The next version while it is being filled. */
class Filling {
  private readonly fold: ViewFold;
  private reached: Position | undefined;

  private constructor(private readonly options: RebuildOptions, private readonly client: PoolClient, readonly version: number) {
    this.fold = new ViewFold(options.view, View.schema(version), options.codec, options.alarm);
  }

  static async begin(options: RebuildOptions, client: PoolClient): Promise<Filling> {
    const version = await transaction(client, () => options.view.createNext(client, { live: false }));
    return new Filling(options, client, version);
  }

  /** Many events: each batch is read and folded while the one before it is written. Answers how many there were. */
  async fillTo(until: Position | null): Promise<number> {
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

  /** What is left, inside a transaction of the caller's. */
  async finishTo(until: Position | null): Promise<void> {
    for await (const events of this.batches(until)) await this.fold.apply(this.client, events);
  }

  private async *batches(until: Position | null): AsyncGenerator<RecordedEvent[]> {
    if (until === null) return;
    let batch: RecordedEvent[] = [];
    for await (const event of this.options.store.readAll({ after: this.reached })) {
      if (comparePositions(event.position, until) > 0) break;
      batch.push(event);
      if (batch.length < BATCH_SIZE) continue;
      this.options.signal?.throwIfAborted();
      this.reached = event.position;
      yield batch;
      batch = [];
    }
    if (batch.length === 0) return;
    this.reached = batch.at(-1)!.position;
    yield batch;
  }
}

/** The hashes of both versions at one position, each read by a connection of its own. Nobody waits for it. */
async function comparison({ pool, view }: RebuildOptions, client: PoolClient, next: Filling): Promise<Rebuilt> {
  const snapshot = await pool.connect();
  try {
    await snapshot.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
    const { version, definition, position } = await liveCheckpoint(snapshot);
    const comparable = definition === view.definition;
    const [live, rebuilt] = await Promise.all([
      comparable ? view.hash(snapshot, version) : '',
      next.fillTo(position).then(() => view.hash(client, next.version)),
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
    const retiring = await liveCheckpoint(client, 'FOR UPDATE OF checkpoint');
    await next.finishTo(retiring.position);
    await client.query(
      'UPDATE runtime.checkpoint SET position = $2 WHERE consumer = $1', [View.consumer(next.version), retiring.position],
    );
    await client.query('UPDATE runtime.view SET live = false WHERE version = $1', [retiring.version]);
    await client.query('UPDATE runtime.view SET live = true WHERE version = $1', [next.version]);
    // Without its checkpoint the old version's writer finds itself fenced and looks for the new one.
    await client.query('DELETE FROM runtime.checkpoint WHERE consumer = $1', [View.consumer(retiring.version)]);
    if (retiring.position !== null) {
      await announce(client, { version: next.version, position: retiring.position, participantIds: null });
    }
  });
}
