import { createHash } from 'node:crypto';
import type { ClientBase, Pool } from 'pg';
import type { Position } from '@peerbridge/event-store';
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

export interface ViewVersion {
  version: number;
  definition: string;
}

/**
 * The shared view: all projections, in one schema with one checkpoint, `view_v<N>`. A rebuild fills the next one; which
 * one is live is a row that readers look at with every decision.
 */
export class View {
  readonly tables: readonly AnyTable[];
  /** Changes whenever any projection or table does: a live view of another definition must be rebuilt. */
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

  async live(db: Pool | ClientBase): Promise<ViewVersion | undefined> {
    const { rows } = await db.query<ViewVersion>('SELECT version, definition FROM runtime.view WHERE live');
    return rows[0];
  }

  /**
   * Makes an empty next version; one that is not live is indexed by keys alone until `index`. What an earlier, abandoned rebuild
   * left is dropped, and so are retired versions.
   */
  async createNext(client: ClientBase, options: { live: boolean }): Promise<number> {
    const { rows } = await client.query<{ version: number; live: boolean }>(
      'SELECT version, live FROM runtime.view ORDER BY version',
    );
    for (const { version, live } of rows.filter((row) => !row.live)) {
      if (live) continue;
      await client.query(`DROP SCHEMA IF EXISTS ${View.schema(version)} CASCADE`);
      await client.query('DELETE FROM runtime.view WHERE version = $1', [version]);
      await client.query('DELETE FROM runtime.checkpoint WHERE consumer = $1', [View.consumer(version)]);
    }
    const version = (rows.at(-1)?.version ?? 0) + 1;
    await client.query(`CREATE SCHEMA ${View.schema(version)}`);
    for (const table of this.tables) await client.query(createTableSql(View.schema(version), table));
    await client.query(
      'INSERT INTO runtime.view (version, definition, live) VALUES ($1, $2, $3)', [version, this.definition, options.live],
    );
    await client.query('INSERT INTO runtime.checkpoint (consumer, position) VALUES ($1, NULL)', [View.consumer(version)]);
    if (options.live) await this.index(client, version);
    return version;
  }

  async index(client: ClientBase, version: number): Promise<void> {
    for (const table of this.tables) {
      for (const sql of createIndexesSql(View.schema(version), table)) await client.query(sql);
    }
  }

  /** SHA-256 over the content of every table, hex: equal for equal rows, whatever order they were written in. */
  async hash(client: ClientBase, version: number): Promise<string> {
    const hash = createHash('sha256');
    for (const table of [...this.tables].sort((a, b) => (a.name < b.name ? -1 : 1))) {
      const { rows } = await client.query<{ hash: string | null }>(
        `SELECT encode(sha256(string_agg(sha256(convert_to(one::text, 'UTF8')), ''::bytea ORDER BY ${table.key})), 'hex') AS hash
         FROM ${View.schema(version)}.${table.name} AS one`,
      );
      hash.update(`${table.name}:${rows[0]!.hash ?? ''}\n`);
    }
    return hash.digest('hex');
  }
}
