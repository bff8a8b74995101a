import { createHash } from 'node:crypto';
import type { ClientBase, Pool } from 'pg';
import type { Position } from '@peerbridge/event-store';
import { checkpointOf, type Checkpoint } from './checkpoint.js';
import type { AnyProjection } from './projection.js';
import { createIndexesSql, createTableSql, defineTable, type AnyTable } from './table.js';

/** People whose projection stopped at an event this build could not apply. They are refused to all but themselves. */
export interface StoppedParticipantRow {
  participant_id: string;
  position: Position;
  reason: string;
}

export const stoppedParticipantTable = defineTable<StoppedParticipantRow>({
  name: 'stopped_participant',
  key: 'participant_id',
  columns: { participant_id: 'uuid', position: 'position', reason: 'text' },
});

export const viewMigrations = [
  {
    name: '010-view',
    sql: `
      CREATE TABLE runtime.view (
        version int PRIMARY KEY,
        definition text NOT NULL,
        live boolean NOT NULL DEFAULT false,
        created_at timestamptz NOT NULL DEFAULT now()
      );
      CREATE UNIQUE INDEX view_live ON runtime.view (live) WHERE live`,
  },
] as const;

/** The version that is read. */
export interface LiveView {
  version: number;
  definition: string;
  /** Undefined: at the beginning, or nobody knows. */
  checkpoint: Checkpoint | undefined;
  /** False: how far it is has been lost. */
  hasCheckpoint: boolean;
}

/** Of a version's hash so many rows are fetched at once. */
const HASHED_ROWS = 10_000;

/**
 * The shared view: all projections, in one schema with one checkpoint, `view_v<N>`. It is filled while it is not live, and
 * swapped in; which one is live is a row that readers look at with every decision.
 */
export class View {
  readonly tables: readonly AnyTable[];
  /** Changes whenever any projection or table does: a live view of another definition must be made anew. */
  readonly definition: string;

  constructor(readonly projections: readonly AnyProjection[]) {
    this.tables = [stoppedParticipantTable, ...new Set(projections.flatMap((one) => one.tables))];
    const content = projections.map(({ name, version }) => [name, version]);
    const shape = this.tables.map(({ name, columns, indexes }) => [name, columns, indexes ?? []]);
    this.definition = createHash('sha256').update(JSON.stringify([content, shape])).digest('hex');
  }

  static schema(version: number): string {
    return `view_v${version}`;
  }

  static consumer(version: number): string {
    return `view_v${version}`;
  }

  /** @param lock holds its checkpoint until the transaction ends: nobody writes it meanwhile */
  static async live(db: Pool | ClientBase, { lock = false } = {}): Promise<LiveView | undefined> {
    const { rows: [row] } = await db.query<{
      version: number; definition: string; has_checkpoint: boolean; position: Position | null; event_id: string | null;
    }>(`SELECT version, definition, consumer IS NOT NULL AS has_checkpoint, position, event_id
        FROM runtime.view LEFT JOIN runtime.checkpoint ON consumer = 'view_v' || version WHERE live`);
    if (row && lock) {
      await db.query('SELECT FROM runtime.checkpoint WHERE consumer = $1 FOR UPDATE', [View.consumer(row.version)]);
      return View.live(db);
    }
    return row && {
      version: row.version, definition: row.definition, checkpoint: checkpointOf(row), hasCheckpoint: row.has_checkpoint,
    };
  }

  /** Nobody reads it any more, and nobody writes it. */
  static async close(db: Pool | ClientBase, version: number): Promise<void> {
    await db.query('UPDATE runtime.view SET live = false WHERE version = $1', [version]);
  }

  /**
   * Makes an empty next version that nobody reads, indexed by keys alone until `index`. What was filled and never swapped in is
   * dropped, and so are retired versions.
   */
  async createNext(client: ClientBase): Promise<number> {
    const { rows } = await client.query<{ version: number; live: boolean }>(
      'SELECT version, live FROM runtime.view ORDER BY version',
    );
    for (const { version } of rows.filter((row) => !row.live)) {
      await client.query(`DROP SCHEMA IF EXISTS ${View.schema(version)} CASCADE`);
      await client.query('DELETE FROM runtime.view WHERE version = $1', [version]);
      await client.query('DELETE FROM runtime.checkpoint WHERE consumer = $1', [View.consumer(version)]);
    }
    const version = (rows.at(-1)?.version ?? 0) + 1;
    // One that a restore without `runtime` has left.
    await client.query(`DROP SCHEMA IF EXISTS ${View.schema(version)} CASCADE`);
    await client.query(`CREATE SCHEMA ${View.schema(version)}`);
    for (const table of this.tables) await client.query(createTableSql(View.schema(version), table));
    await client.query('INSERT INTO runtime.view (version, definition) VALUES ($1, $2)', [version, this.definition]);
    await client.query('INSERT INTO runtime.checkpoint (consumer, position) VALUES ($1, NULL)', [View.consumer(version)]);
    return version;
  }

  async index(client: ClientBase, version: number): Promise<void> {
    for (const table of this.tables) {
      for (const sql of createIndexesSql(View.schema(version), table)) await client.query(sql);
    }
  }

  /**
   * SHA-256 over the content of every table, hex: equal for equal rows, whatever order they were written in and however many they
   * are. Inside a transaction of the caller's.
   */
  async hash(client: ClientBase, version: number): Promise<string> {
    const hash = createHash('sha256');
    for (const { name, key } of [...this.tables].sort((a, b) => (a.name < b.name ? -1 : 1))) {
      hash.update(`${name}\n`);
      await client.query(`DECLARE content NO SCROLL CURSOR FOR SELECT sha256(convert_to(one::text, 'UTF8')) AS hash
        FROM ${View.schema(version)}.${name} AS one ORDER BY ${key}`);
      for (let fetched = HASHED_ROWS; fetched === HASHED_ROWS;) {
        const { rows } = await client.query<{ hash: Buffer }>(`FETCH ${HASHED_ROWS} FROM content`);
        for (const row of rows) hash.update(row.hash);
        fetched = rows.length;
      }
      await client.query('CLOSE content');
    }
    return hash.digest('hex');
  }
}
