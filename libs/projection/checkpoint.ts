import type { Pool } from 'pg';
import { ForeignPosition, type EventStore, type Position } from '@peerbridge/event-store';

/** The last event that a consumer of the log has done with. */
export interface Checkpoint {
  position: Position;
  /** By which a log is known in which another event stands there. Null: written by a release that did not keep it. */
  eventId: string | null;
}

/** Whether the log has the checkpoint's event where it says. Another store has not, nor has one put back to an earlier day. */
export async function isInLog(store: Pick<EventStore, 'eventIdAt'>, { position, eventId }: Checkpoint): Promise<boolean> {
  try {
    const found = await store.eventIdAt(position);
    return found !== undefined && (eventId === null || eventId === found);
  } catch (error) {
    if (error instanceof ForeignPosition) return false;
    throw error;
  }
}

/** How far each durable consumer of the log has come. Moving a checkpoint is a compare-and-set: it fences a second consumer. */
export interface CheckpointStore {
  /** Undefined: at the beginning. */
  load(consumer: string): Promise<Checkpoint | undefined>;
  /**
   * False where the checkpoint was not at `from`: somebody else moved it.
   * @param to undefined: back to the beginning
   * @param published added to what was counted with it before
   */
  advance(consumer: string, from: Checkpoint | undefined, to: Checkpoint | undefined, published?: number): Promise<boolean>;
}

/** Where a consumer is, and what it has counted on its way there. */
export interface Progress {
  checkpoint: Checkpoint | undefined;
  published: number;
}

interface CheckpointRow {
  position: Position | null;
  event_id: string | null;
  published: number;
}

export class PostgresCheckpointStore implements CheckpointStore {
  constructor(private readonly pool: Pool) {}

  async load(consumer: string): Promise<Checkpoint | undefined> {
    return (await this.progress(consumer)).checkpoint;
  }

  async progress(consumer: string): Promise<Progress> {
    const { rows: [row] } = await this.pool.query<CheckpointRow>(
      'select position, event_id, published from runtime.checkpoint where consumer = $1', [consumer]);
    return { checkpoint: row && checkpointOf(row), published: row?.published ?? 0 };
  }

  async advance(consumer: string, from: Checkpoint | undefined, to: Checkpoint | undefined, published = 0): Promise<boolean> {
    const place = [to?.position ?? null, to?.eventId ?? null, published];
    const { rowCount } = from === undefined
      ? await this.pool.query(`
          insert into runtime.checkpoint as stored (consumer, position, event_id, published) values ($1, $2, $3, $4)
          on conflict (consumer) do update set position = excluded.position, event_id = excluded.event_id,
            published = stored.published + excluded.published, updated_at = now()
          where stored.position is null`,
        [consumer, ...place])
      : await this.pool.query(`
          update runtime.checkpoint set position = $2, event_id = $3, published = published + $4, updated_at = now()
          where consumer = $1 and position = $5`,
        [consumer, ...place, from.position]);
    return rowCount === 1;
  }
}

/** Of a row that has one. */
export function checkpointOf(row: Pick<CheckpointRow, 'position' | 'event_id'>): Checkpoint | undefined {
  return row.position === null ? undefined : { position: row.position, eventId: row.event_id };
}
