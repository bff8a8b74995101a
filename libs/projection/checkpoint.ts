import type { Pool } from 'pg';
import type { Position } from '@peerbridge/event-store';

/** How far each durable consumer of the log has come. Moving a checkpoint is a compare-and-set: it fences a second consumer. */
export interface CheckpointStore {
  /** Undefined: at the beginning. */
  load(consumer: string): Promise<Position | undefined>;
  /** False where the checkpoint was not at `from`: somebody else moved it. */
  advance(consumer: string, from: Position | undefined, to: Position): Promise<boolean>;
}

export class PostgresCheckpointStore implements CheckpointStore {
  constructor(private readonly pool: Pool) {}

  async load(consumer: string): Promise<Position | undefined> {
    const { rows } = await this.pool.query<{ position: Position | null }>(
      'select position from runtime.checkpoint where consumer = $1', [consumer]);
    return rows[0]?.position ?? undefined;
  }

  async advance(consumer: string, from: Position | undefined, to: Position): Promise<boolean> {
    const { rowCount } = from === undefined
      ? await this.pool.query(`
          insert into runtime.checkpoint as stored (consumer, position) values ($1, $2)
          on conflict (consumer) do update set position = excluded.position, updated_at = now() where stored.position is null`,
        [consumer, to])
      : await this.pool.query(
        'update runtime.checkpoint set position = $3, updated_at = now() where consumer = $1 and position = $2',
        [consumer, from, to]);
    return rowCount === 1;
  }
}
