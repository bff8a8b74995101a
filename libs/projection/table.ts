/**
 * PostgreSQL types a read model may use. Positions and instants (RFC 3339 UTC with milliseconds) are kept as the text they
 * are, in C collation, in which they sort as the store orders them and as time goes.
 */
export type ColumnType =
  | 'uuid' | 'text' | 'position' | 'integer' | 'boolean' | 'date' | 'instant' | 'jsonb' | 'text[]' | 'uuid[]';

/** One table of the view. Its rows are written only by projections and read only through disclosure. */
export interface Table<Row extends object> {
  readonly name: string;
  /** The primary key, one column. */
  readonly key: Extract<keyof Row, string>;
  readonly columns: Readonly<Record<Extract<keyof Row, string>, ColumnType>>;
  /** Further indexes, as SQL: `(participant_id, occurred_at DESC)`, `(reach, participant_id) WHERE listed`. */
  readonly indexes?: readonly string[];
}

/** Any table, whatever its rows. */
export interface AnyTable {
  readonly name: string;
  readonly key: string;
  readonly columns: Readonly<Record<string, ColumnType>>;
  readonly indexes?: readonly string[];
}

export const defineTable = <Row extends object>(table: Table<Row>): Table<Row> => table;

const sqlType = (type: ColumnType): string => (type === 'position' || type === 'instant' ? 'text COLLATE "C"' : type);

/** The table with its primary key, in a schema of the view. */
export function createTableSql(schema: string, table: AnyTable): string {
  const columns = Object.entries(table.columns).map(([name, type]) =>
    `${name} ${sqlType(type)}${name === table.key ? ' PRIMARY KEY' : ''}`);
  return `CREATE TABLE ${schema}.${table.name} (${columns.join(', ')})`;
}

/** Its further indexes, which are made faster over rows that are there. */
export const createIndexesSql = (schema: string, table: AnyTable): string[] => (table.indexes ?? []).map((index, nth) =>
  `CREATE INDEX ${table.name}_${nth + 1} ON ${schema}.${table.name} ${index}`);

/** Writes any number of rows; `parameter` is their JSON array. */
function upsertSql(schema: string, table: AnyTable, parameter: string): string {
  const names = Object.keys(table.columns);
  const updates = names.filter((name) => name !== table.key).map((name) => `${name} = excluded.${name}`);
  return `INSERT INTO ${schema}.${table.name} (${names.join(', ')})
    SELECT ${names.join(', ')} FROM json_populate_recordset(NULL::${schema}.${table.name}, ${parameter}::json)
    ON CONFLICT (${table.key}) DO UPDATE SET ${updates.join(', ')}`;
}

/**
 * Writes rows of several tables, and removes rows of others, in one statement. $1, $2, … are the JSON arrays of the rows of
 * each of `written`, and after them the arrays of the keys of each of `removed`; no key is in both.
 */
export function writeAllSql(schema: string, written: readonly AnyTable[], removed: readonly AnyTable[]): string {
  const upserts = written.map((table, index) => `${table.name}_rows AS (${upsertSql(schema, table, `$${index + 1}`)})`);
  const deletes = removed.map((table, index) => `${table.name}_removed AS (
    DELETE FROM ${schema}.${table.name} WHERE ${table.key} = ANY($${written.length + index + 1}))`);
  return `WITH ${[...upserts, ...deletes].join(', ')} SELECT`;
}
