import type { Pool } from 'pg';
import type { Position } from '@peerbridge/event-store';

/** How far each durable consumer of the log has come. Moving a checkpoint is a compare-and-set: it fences a second consumer. */
export interface CheckpointStore {
  /** Undefined: at the beginning. */
  load(consumer: string): Promise<Position | undefined>;
  /**
   * False where the checkpoint was not at `from`: somebody else moved it.
   * @param published added to what was counted with it before
   */
  advance(consumer: string, from: Position | undefined, to: Position, published?: number): Promise<boolean>;
}

/** Where a consumer is, and what it has counted on its way there. */
export interface Progress {
  position: Position | undefined;
  published: number;
}

export class PostgresCheckpointStore implements CheckpointStore {
  constructor(private readonly pool: Pool) {}

  async load(consumer: string): Promise<Position | undefined> {
    return (await this.progress(consumer)).position;
  }

  async progress(consumer: string): Promise<Progress> {
    const { rows: [row] } = await this.pool.query<{ position: Position | null; published: number }>(
      'select position, published from runtime.checkpoint where consumer = $1', [consumer]);
    return { position: row?.position ?? undefined, published: row?.published ?? 0 };
  }

  async advance(consumer: string, from: Position | undefined, to: Position, published = 0): Promise<boolean> {
    const { rowCount } = from === undefined
      ? await this.pool.query(`
          insert into runtime.checkpoint as stored (consumer, position, published) values ($1, $2, $3)
          on conflict (consumer) do update set position = excluded.position, published = stored.published + excluded.published,
            updated_at = now()
          where stored.position is null`,
        [consumer, to, published])
      : await this.pool.query(`
          update runtime.checkpoint set position = $3, published = published + $4, updated_at = now()
          where consumer = $1 and position = $2`,
        [consumer, from, to, published]);
    return rowCount === 1;
  }
}
