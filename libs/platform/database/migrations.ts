import { createHash } from 'node:crypto';
import pg, { type Pool, type PoolClient } from 'pg';

export interface Migration {
  /** Sorts in the order of application, such as `0001-event-log`. */
  name: string;
  sql: string;
}

/** The database's schema is not one that these migrations lead to. */
export class MigrationError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'MigrationError';
  }
}

/** Another process may be at it, and much may have to be moved. */
const WITHIN_MS = 60 * 60_000;
const patiently = (text: string, values: unknown[] = []): pg.QueryConfig & { query_timeout: number } =>
  ({ text, values, query_timeout: WITHIN_MS });

/**
 * Brings the schema, made where it is missing, to the last of its migrations: in order, each once and in a transaction of
 * its own, recorded in `<schema>.migration`. Processes that start together wait for each other.
 * @throws MigrationError when an applied migration is unknown here, or was edited since
 */
export async function migrate(pool: Pool, schema: string, migrations: readonly Migration[]): Promise<void> {
  const client = await pool.connect();
  let unlocked = false;
  try {
    await client.query(patiently('select pg_advisory_lock(hashtextextended($1, 0))', [`peerbridge.migration.${schema}`]));
    await applyMissing(client, schema, migrations);
    await client.query('select pg_advisory_unlock(hashtextextended($1, 0))', [`peerbridge.migration.${schema}`]);
    unlocked = true;
  } finally {
    // A connection that may still hold the lock does not go back to the pool.
    client.release(!unlocked);
  }
}

async function applyMissing(client: PoolClient, schema: string, migrations: readonly Migration[]): Promise<void> {
  const table = `${pg.escapeIdentifier(schema)}.migration`;
  await client.query(`create schema if not exists ${pg.escapeIdentifier(schema)}`);
  await client.query(`create table if not exists ${table} (
    name text collate "C" primary key, sha256 text not null, applied_at timestamptz not null default now()
  )`);
  const { rows: applied } = await client.query<{ name: string; sha256: string }>(
    `select name, sha256 from ${table} order by name`,
  );
  for (const [index, { name, sha256 }] of applied.entries()) {
    const known = migrations[index];
    if (known?.name !== name) {
      throw new MigrationError(
        `Schema ${schema} has the migration ${name}, unknown here: was the database used by a newer version?`,
      );
    }
    if (hash(known) !== sha256) throw new MigrationError(`Migration ${name} of schema ${schema} was edited after it was applied`);
  }
  for (const migration of migrations.slice(applied.length)) {
    await client.query('begin');
    await client.query(patiently(migration.sql));
    await client.query(`insert into ${table} (name, sha256) values ($1, $2)`, [migration.name, hash(migration)]);
    await client.query('commit');
  }
}

function hash({ sql }: Migration): string {
  return createHash('sha256').update(sql).digest('hex');
}
