import { createHash } from 'node:crypto';
import DataLoader from 'dataloader';
import sql, { raw, type Sql } from 'sql-template-tag';
import { DomainError, unavailable } from '@peerbridge/kernel';
import type { Position } from '@peerbridge/event-store';
import type { QueryConfig } from 'pg';
import { View, type AnyTable, type Table, type ViewPosition, type ViewTrust } from '@peerbridge/projection';

/** Statements of more shapes than these are planned anew each time. */
const PREPARED_STATEMENTS = 300;
const MOST_ATTEMPTS = 5;
const UNDEFINED_TABLE = '42P01';
const INVALID_SCHEMA = '3F000';
const DEADLOCK = '40P01';
const QUERY_CANCELED = '57014';
const UNDEFINED_COLUMN = '42703';
const hasCode = (error: unknown, ...codes: string[]): boolean => codes.includes((error as { code?: string }).code ?? '');
/** What a read meets on a version that is being dropped. */
const isOfDroppedVersion = (error: unknown): boolean => hasCode(error, UNDEFINED_TABLE, INVALID_SCHEMA, DEADLOCK);

const tookTooLong = () => new DomainError('TIMEOUT', 'The database took too long to answer; repeat the request.');

/** Runs statements that each stand alone: a pool, a pipeline. */
export interface Statements {
  query<Row extends object>(statement: QueryConfig): Promise<{ rows: Row[] }>;
}

export interface ViewReaderOptions {
  statements: Statements;
  position: ViewPosition;
  /** Which version answers may rest on. */
  trust: ViewTrust;
  /** A view that was made for one question and is read in place of the live one. */
  schema?: string;
}

/** Runs statements over the live version of the view, and proves of each that this is what it read. */
export class ViewReader {
  private readonly names = new Map<string, string>();
  private readonly byKeyOf = new Map<AnyTable, DataLoader<string, object | undefined>>();

  constructor(private readonly options: ViewReaderOptions) {}

  /**
   * The rows of a statement over the live view. It proves in its own snapshot that the version it read is the live one, and is
   * put again where a rebuild has swapped it. Rows come as one JSON text, which costs a fifth of reading them one by one.
   * @param statement for the schema of a version; its ORDER BY is kept
   * @throws DomainError UNAVAILABLE, whatever is asked, where answers may rest on no version
   */
  async rows<Row>(statement: (schema: string) => Sql): Promise<Row[]> {
    const { schema, position, trust } = this.options;
    for (let attempt = 1; ; attempt += 1) {
      const version = schema === undefined ? await trust.version() : 0;
      try {
        const [answer] = await this.run<{ live: boolean; rows: Row[] }>(sql`
          SELECT ${schema === undefined ? sql`(SELECT version FROM runtime.view WHERE live) = ${version}` : sql`true`} AS live,
            coalesce(json_agg(answer), '[]') AS rows FROM (${statement(schema ?? View.schema(version))}) AS answer`);
        if (answer!.live) return answer!.rows;
      } catch (error) {
        if (hasCode(error, UNDEFINED_COLUMN)) throw unavailable('The view is another release\'s; repeat the request later.');
        if (!isOfDroppedVersion(error)) throw error;
      }
      if (attempt === MOST_ATTEMPTS) throw unavailable('The view is being made from the log; repeat the request.');
      await position.refresh();
    }
  }

  /** A row by primary key. What all requests of one turn of the event loop ask of a table is asked at once. */
  async byKey<Row extends object>(table: Table<Row>, key: string): Promise<Row | undefined> {
    const loader = this.byKeyOf.get(table) ?? perTurn<string, object | undefined>(async (keys) => {
      const rows = await this.rows<Row>((schema) => sql`SELECT * FROM ${tableIn(schema, table)}
        WHERE ${raw(table.key)} = ANY(${keys})`);
      const found = new Map(rows.map((row) => [String(row[table.key]), row]));
      return keys.map((one) => found.get(one));
    });
    this.byKeyOf.set(table, loader);
    return loader.load(key) as Promise<Row | undefined>;
  }

  /** Runs a statement; those of one shape are prepared once per connection, for planning costs more than running them. */
  private async run<Row extends object>({ text, values }: Sql): Promise<Row[]> {
    const name = this.names.get(text) ?? createHash('sha1').update(text).digest('base64url');
    if (this.names.size < PREPARED_STATEMENTS) this.names.set(text, name);
    const prepared = this.names.has(text) ? { name } : {};
    const { rows } = await this.options.statements.query<Row>({ ...prepared, text, values }).catch((error: unknown) => {
      if ((error as { code?: string }).code === QUERY_CANCELED) throw tookTooLong();
      throw error;
    });
    return rows;
  }

  /** How far the live view is, as the database has it now. */
  async position(): Promise<Position | undefined> {
    const [live] = await this.run<{ position: Position | null }>(sql`SELECT position FROM runtime.view
      JOIN runtime.checkpoint ON consumer = 'view_v' || version WHERE live`);
    return live?.position ?? undefined;
  }
}

/** Loads for all who ask in one turn of the event loop, and remembers nothing. */
export function perTurn<Key, Value>(load: (keys: Key[]) => Promise<Value[]>): DataLoader<Key, Value> {
  return new DataLoader(async (keys) => {
    const distinct = [...new Set(keys)];
    const values = await load(distinct);
    const byKey = new Map(distinct.map((key, index) => [key, values[index]!]));
    return keys.map((key) => byKey.get(key)!);
  }, { cache: false, maxBatchSize: 500, batchScheduleFn: setImmediate });
}

export const tableIn = (schema: string, { name }: { name: string }) => raw(`${schema}.${name}`);
