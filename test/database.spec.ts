import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { migrate, MigrationError, openDatabase, type Pipeline } from '@peerbridge/platform';
import { createTestDatabase, type TestDatabase } from './support/postgres.js';

let database: TestDatabase;
beforeAll(async () => { database = await createTestDatabase(); });
afterAll(() => database.drop());

async function select(expression: string): Promise<unknown> {
  const { rows } = await database.pool.query<{ value: unknown }>(`select ${expression} as value`);
  return rows[0]?.value;
}

describe('Values from the database', () => {
  it.each([
    ['an instant', `'2025-03-01 10:30:00.5+01'::timestamptz`, '2025-03-01T09:30:00.500Z'],
    ['an instant between milliseconds', `'2025-03-01 09:30:00.123987Z'::timestamptz`, '2025-03-01T09:30:00.123Z'],
    ['a day', `'2025-03-01'::date`, '2025-03-01'],
    ['a big integer', '9007199254740991::int8', Number.MAX_SAFE_INTEGER],
    ['a decimal', '1.50::numeric', '1.50'],
    ['instants in an array', `array['2025-03-01 09:30Z'::timestamptz, null]`, ['2025-03-01T09:30:00.000Z', null]],
    ['big integers in an array', 'array[1::int8, 2]', [1, 2]],
    ['days in an array', `array['2025-03-01'::date]`, ['2025-03-01']],
  ])('has %s as documented', async (_what, expression, value) => {
    expect(await select(expression)).toEqual(value);
  });

  it('refuses an integer that JavaScript would round', async () => {
    await expect(select('9007199254740992::int8')).rejects.toThrow(RangeError);
    await expect(select('1')).resolves.toBe(1);
  });

  it('go on when the server has cut all idle connections', async () => {
    const { pool } = database;
    await Promise.all([1, 2, 3].map(() => pool.query('select pg_sleep(0.05)')));
    expect(pool.totalCount).toBeGreaterThanOrEqual(3);
    await pool.query(`select pg_terminate_backend(pid) from pg_stat_activity
      where datname = current_database() and pid <> pg_backend_pid()`);
    while (pool.totalCount > 1) await delay(5);
    await expect(select('1')).resolves.toBe(1);
  });
});

describe('Migrations', () => {
  const first = { name: '0001-note', sql: 'create table notes.note (id int primary key); insert into notes.note values (1)' };
  const second = { name: '0002-text', sql: 'alter table notes.note add text text' };
  const run = (migrations: { name: string; sql: string }[]) => migrate(database.pool, 'notes', migrations);
  const applied = async () => {
    const { rows } = await database.pool.query<{ name: string }>('select name from notes.migration order by name');
    return rows.map(({ name }) => name);
  };

  it('are applied once each, in order, however many processes start together', async () => {
    await Promise.all(Array.from({ length: 5 }, () => run([first])));
    await Promise.all(Array.from({ length: 5 }, () => run([first, second])));
    expect(await applied()).toEqual(['0001-note', '0002-text']);
    expect((await database.pool.query('select id, text from notes.note')).rows).toEqual([{ id: 1, text: null }]);
  });

  it('leave nothing of one that fails, and all that came before it', async () => {
    const third = { name: '0003-good', sql: 'create table notes.good ()' };
    const fourth = { name: '0004-bad', sql: 'create table notes.bad (); select 1 / 0' };
    await expect(run([first, second, third, fourth])).rejects.toThrow('division by zero');
    expect(await applied()).toEqual(['0001-note', '0002-text', '0003-good']);
    expect(await select(`to_regclass('notes.bad')`)).toBeNull();
  });

  it('refuse a schema that a newer version has migrated', async () => {
    await expect(run([first, second])).rejects.toThrow(new MigrationError(
      'Schema notes has the migration 0003-good, unknown here: was the database used by a newer version?'));
  });

  it('refuse an edited history', async () => {
    await expect(run([{ ...first, sql: 'create table notes.note ()' }])).rejects.toThrow(new MigrationError(
      'Migration 0001-note of schema notes was edited after it was applied'));
  });
});

describe('Every session', () => {
  it('has what it needs, whatever its database sets for others, and what its URL adds', async () => {
    const name = new URL(database.url).pathname.slice(1);
    const elsewhere = {
      jit: 'on', timezone: 'Asia/Tokyo', default_transaction_isolation: 'serializable', default_transaction_read_only: 'on',
      idle_session_timeout: '1s', statement_timeout: '1s', lock_timeout: '1s',
    };
    const alter = (change: string) => database.pool.query(`ALTER DATABASE ${name} ${change}`);
    for (const [setting, to] of Object.entries(elsewhere)) await alter(`SET ${setting} = '${to}'`);
    const url = new URL(database.url);
    url.searchParams.set('options', '-c work_mem=5MB -c jit=on');
    const ours = await openDatabase({ databaseUrl: url.href, dataDir: '', applicationName: 'peerbridge-test' });
    const opened = ours.open({ purpose: 'one thing', max: 1 });
    const connection = await ours.connect();
    const pipeline = ours.pipeline(1);
    try {
      for (const session of [ours.pool, ours.patient, opened.pool, connection, pipeline] as Pick<Pipeline, 'query'>[]) {
        const text = `SELECT name, setting FROM pg_settings WHERE lower(name) = ANY ($1)`;
        const values = [[...Object.keys(elsewhere), 'work_mem']];
        const { rows } = await session.query<{ name: string; setting: string }>({ text, values });
        expect(Object.fromEntries(rows.map((row) => [row.name.toLowerCase(), row.setting]))).toEqual({
          jit: 'off', timezone: 'UTC', default_transaction_isolation: 'read committed', default_transaction_read_only: 'off',
          idle_session_timeout: '0', statement_timeout: '0', lock_timeout: '0', work_mem: '5120',
        });
      }
    } finally {
      await Promise.all([opened.close(), connection.end(), pipeline.close()]);
      await ours.close();
      for (const setting of Object.keys(elsewhere)) await alter(`RESET ${setting}`);
    }
  });
});
