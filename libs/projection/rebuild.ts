import type { Pool } from 'pg';
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
  /** SHA-256 of the one built anew, at the same position. */
  rebuilt: string;
  equal: boolean;
}

interface LiveCheckpoint extends ViewVersion {
  position: Position | null;
}

/**
 * Fills the next version of the view from the whole log while the live one goes on being read and written, then swaps
 * the two in one transaction at one position. Nobody's read fails: what is retired stays until the next rebuild.
 * @throws DomainError UNAVAILABLE where there is no view yet
 */
export async function rebuildView(
  { store, pool, view, codec, alarm }: {
    store: EventStore; pool: Pool; view: View; codec: EventCodec; alarm: (event: RecordedEvent, cause: unknown) => void;
  },
): Promise<Rebuilt> {
  const client = await pool.connect();
  let failed = true;
  try {
    await client.query('SELECT pg_advisory_lock(hashtext($1))', ['peerbridge.rebuild']);
    const liveCheckpoint = async (lock: '' | 'FOR UPDATE OF checkpoint'): Promise<LiveCheckpoint> => {
      const { rows } = await client.query<LiveCheckpoint>(
        `SELECT version, definition, position FROM runtime.view JOIN runtime.checkpoint ON consumer = 'view_v' || version
         WHERE live ${lock}`);
      if (!rows[0]) throw unavailable('There is no view to rebuild: the system never ran on this database.');
      return rows[0];
    };
    await liveCheckpoint('');
    const version = await transaction(client, () => view.createNext(client, { live: false }));
    const fold = new ViewFold(view, View.schema(version), codec, alarm);
    let reached: Position | undefined;

    /** Returns how many events it applied. */
    const catchUp = async (until: Position | null, write: (work: () => Promise<void>) => Promise<void>): Promise<number> => {
      if (until === null) return 0;
      let applied = 0;
      let batch: RecordedEvent[] = [];
      const flush = async () => {
        if (batch.length === 0) return;
        await write(() => fold.apply(client, batch));
        reached = batch.at(-1)!.position;
        applied += batch.length;
        batch = [];
      };
      for await (const event of store.readAll({ after: reached })) {
        if (comparePositions(event.position, until) > 0) break;
        batch.push(event);
        if (batch.length >= BATCH_SIZE) await flush();
      }
      await flush();
      return applied;
    };

    // The live view is written meanwhile: nearer and nearer, so that little is left to do while it stands still.
    for (let applied = BATCH_SIZE; applied >= BATCH_SIZE;) {
      applied = await catchUp((await liveCheckpoint('')).position, (work) => transaction(client, work));
    }
    // Plans made without statistics would be kept by the first readers.
    for (const table of view.tables) await client.query(`ANALYZE ${View.schema(version)}.${table.name}`);
    const { live, rebuilt } = await transaction(client, async () => {
      // From here on the live view stands still; its readers do not.
      const retiring = await liveCheckpoint('FOR UPDATE OF checkpoint');
      await catchUp(retiring.position, (work) => work());
      const hash = await view.hash(client, version);
      await client.query(
        'UPDATE runtime.checkpoint SET position = $2 WHERE consumer = $1', [View.consumer(version), retiring.position],
      );
      await client.query('UPDATE runtime.view SET live = false WHERE version = $1', [retiring.version]);
      await client.query('UPDATE runtime.view SET live = true WHERE version = $1', [version]);
      // Without its checkpoint the old version's writer finds itself fenced and looks for the new one.
      await client.query('DELETE FROM runtime.checkpoint WHERE consumer = $1', [View.consumer(retiring.version)]);
      if (retiring.position !== null) await announce(client, { version, position: retiring.position, participantIds: null });
      return { live: retiring, rebuilt: hash };
    });
    // What is retired is written no more, and dropped by nobody while we hold the lock.
    const before = live.definition === view.definition ? await view.hash(client, live.version) : '';
    failed = false;
    return { live: before, rebuilt, equal: before === rebuilt };
  } finally {
    if (!failed) await client.query('SELECT pg_advisory_unlock(hashtext($1))', ['peerbridge.rebuild']);
    // With its session goes the lock.
    client.release(failed);
  }
}
