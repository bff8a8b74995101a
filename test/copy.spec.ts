import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { Copying } from '../libs/projection/copy.js';
import { createTableSql, defineTable, writeAllSql } from '../libs/projection/table.js';
import { createTestDatabase, type TestDatabase } from './support/postgres.js';

interface Row {
  id: string;
  text: string | null;
  position: string;
  instant: string | null;
  integer: number;
  boolean: boolean;
  date: string | null;
  jsonb: unknown;
  words: readonly string[];
  ids: readonly string[];
}

const tableOf = (name: string) => defineTable<Row>({
  name, key: 'id',
  columns: {
    id: 'uuid', text: 'text', position: 'position', instant: 'instant', integer: 'integer', boolean: 'boolean', date: 'date',
    jsonb: 'jsonb', words: 'text[]', ids: 'uuid[]',
  },
});
const [copied, upserted] = [tableOf('copied'), tableOf('upserted')];

/** What a database keeps as text, with all that means something on the way there. */
const anyText = fc.oneof(
  fc.string({ unit: 'grapheme' }), fc.constantFrom('\\N', '\\.', 'NULL', '{}', '"', '\t', '\r\n', '\\', 'a,b', ' ', '', "it's"),
).map((text) => text.replaceAll('\0', ''));
const anyRow: fc.Arbitrary<Row> = fc.record({
  id: fc.uuid(), text: fc.option(anyText),
  position: fc.constant('pg00000000.00000000000000000042'), instant: fc.option(fc.constant('2026-01-15T12:00:00.000Z')),
  integer: fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }), boolean: fc.boolean(), date: fc.option(fc.constant('2028-02-29')),
  jsonb: fc.oneof(fc.dictionary(anyText, anyText), fc.array(anyText), anyText), words: fc.array(anyText),
  ids: fc.array(fc.uuid()),
});

describe('Rows that are copied', () => {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await createTestDatabase({ poolSize: 1 });
    for (const table of [copied, upserted]) await database.pool.query(createTableSql('public', table));
  });
  afterAll(() => database?.drop());

  const rowsOf = async (table: string) => {
    const { rows } = await database.pool.query<{ row: string }>(`SELECT one::text AS row FROM ${table} AS one ORDER BY id`);
    return rows.map(({ row }) => row);
  };

  it('are those that are written one by one', async () => {
    await fc.assert(fc.asyncProperty(fc.uniqueArray(anyRow, { selector: ({ id }) => id, maxLength: 40 }), async (rows) => {
      await database.pool.query('TRUNCATE copied, upserted');
      const client = await database.pool.connect();
      try {
        await new Copying('public', [{ table: copied, rows }]).run(client, { commit: true });
      } finally {
        await client.query('ROLLBACK');
        client.release();
      }
      await database.pool.query(writeAllSql('public', [upserted], []), [JSON.stringify(rows)]);
      expect(await rowsOf('copied')).toEqual(await rowsOf('upserted'));
    }), { numRuns: 60 });
  });

  it('are none of them there where one is refused', async () => {
    await database.pool.query('TRUNCATE copied');
    const rows = fc.sample(anyRow, { numRuns: 3, seed: 7 });
    const client = await database.pool.connect();
    try {
      const wrong = { ...rows[2]!, integer: 2 ** 40 };
      await expect(new Copying('public', [{ table: copied, rows: [rows[0]!, wrong] }, { table: upserted, rows: [rows[1]!] }])
        .run(client, { commit: true })).rejects.toMatchObject({ code: '22003' });
      await client.query('ROLLBACK');
      expect((await client.query('SELECT count(*)::int FROM copied')).rows).toEqual([{ count: 0 }]);
    } finally {
      client.release();
    }
  });
});
