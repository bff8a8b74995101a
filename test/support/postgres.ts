import { randomBytes } from 'node:crypto';
import { openDatabase, openEmbeddedPostgres, type Database, type EmbeddedPostgres } from '@peerbridge/platform';
import pg from 'pg';

export interface TestDatabase extends Database {
  /** Closes the database and removes it from the server. */
  drop(): Promise<void>;
}

/**
 * A fresh, empty database on the test run's one PostgreSQL: the server of TEST_DATABASE_URL, else one of our own that the
 * first caller starts. Drop it in `afterAll`.
 */
export async function createTestDatabase(options: { poolSize?: number } = {}): Promise<TestDatabase> {
  const server = await testServer();
  const name = `test_${randomBytes(6).toString('hex')}`;
  await onServer(server.url, `create database ${name}`);
  const url = new URL(server.url);
  url.pathname = `/${name}`;
  const database = await openDatabase({ databaseUrl: url.href, dataDir: '', applicationName: 'peerbridge-test', ...options });
  return {
    ...database,
    drop: async () => {
      await database.close();
      await onServer(server.url, `drop database ${name} with (force)`);
      await server.close();
    },
  };
}

/**
 * For temporary files and data folders of tests. However the run ends, it is removed, and a PostgreSQL left in it stopped.
 */
export function testRunFolder(): string {
  const folder = process.env.PEERBRIDGE_TEST_DATA_DIR;
  if (!folder) throw new Error('No folder for tests: run them with this project\'s Jest configuration');
  return folder;
}

/** Left running for the next file; the run's teardown stops it. */
async function testServer(): Promise<EmbeddedPostgres> {
  const { TEST_DATABASE_URL: url } = process.env;
  if (url) return { url, close: async () => {} };
  return openEmbeddedPostgres({ dataDir: testRunFolder(), stopWhenLast: false });
}

async function onServer(url: string, statement: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  await client.query(statement).finally(() => client.end());
}
