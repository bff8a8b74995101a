import type { Pool } from 'pg';
import { comparePositions, type EventStore, type Position, type RecordedEvent } from '@peerbridge/event-store';
import type { EventCodec } from '@peerbridge/vault';
import { transaction } from './transaction.js';
import { ViewWriter } from './view-writer.js';
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
 */
export async function rebuildView(
  { store, pool, view, codec, alarm }: {
    store: EventStore; pool: Pool; view: View; codec: EventCodec; alarm: (event: RecordedEvent, cause: unknown) => void;
  },
): Promise<Rebuilt> {
  const client = await pool.connect();
  try {
    await client.query('SELECT pg_advisory_lock(hashtext($1))', ['peerbridge.rebuild']);
    const version = await transaction(client, () => view.createNext(client, { live: false }));
    const writer = new ViewWriter(view, version, codec, alarm);
    let position: Position | undefined;

    const catchUp = async (
      until: Position | undefined, write: (events: RecordedEvent[], from: Position | undefined, to: Position) => Promise<void>,
    ): Promise<void> => {
      if (until === undefined) return;
      let batch: RecordedEvent[] = [];
      const flush = async () => {
        const to = batch.at(-1)?.position;
        if (to === undefined) return;
        await write(batch, position, to);
        position = to;
        batch = [];
      };
      for await (const event of store.readAll({ after: position })) {
        if (comparePositions(event.position, until) > 0) break;
        batch.push(event);
        if (batch.length >= BATCH_SIZE) await flush();
      }
      await flush();
    };
    const liveCheckpoint = async (lock: '' | 'FOR UPDATE OF checkpoint'): Promise<LiveCheckpoint> => {
      const { rows } = await client.query<LiveCheckpoint>(
        `SELECT version, definition, position
         FROM runtime.view JOIN runtime.checkpoint ON consumer = 'view_v' || version WHERE live ${lock}`);
      if (!rows[0]) throw new Error('There is no live view to rebuild: the system never ran on this database');
      return rows[0];
    };

    const { position: target } = await liveCheckpoint('');
    await catchUp(target ?? undefined, (events, from, to) => writer.write(client, events, from, to));
    return await transaction(client, async () => {
      // From here on the live view stands still; its readers do not.
      const live = await liveCheckpoint('FOR UPDATE OF checkpoint');
      await catchUp(live.position ?? undefined, (events, from, to) => writer.writeWithin(client, events, from, to));
      await client.query(
        'UPDATE runtime.checkpoint SET position = $2 WHERE consumer = $1', [View.consumer(version), live.position],
      );
      const before = live.definition === view.definition ? await view.hash(client, live.version) : '';
      const after = await view.hash(client, version);
      await client.query('UPDATE runtime.view SET live = false WHERE version = $1', [live.version]);
      await client.query('UPDATE runtime.view SET live = true WHERE version = $1', [version]);
      // Without its checkpoint the old version's writer finds itself fenced and looks for the new one.
      await client.query('DELETE FROM runtime.checkpoint WHERE consumer = $1', [View.consumer(live.version)]);
      return { live: before, rebuilt: after, equal: before === after };
    });
  } finally {
    await client.query('SELECT pg_advisory_unlock(hashtext($1))', ['peerbridge.rebuild']).catch(() => undefined);
    client.release();
  }
}
