import type { AnyTable, Table } from './table.js';

/** A row that an event needs to see before it can be applied. */
export interface RowKey {
  table: AnyTable;
  key: string;
}

export const rowKey = <Row extends object>(table: Table<Row>, key: string): RowKey =>
  ({ table, key });

/** The rows of one batch: read beforehand, changed in memory, written with one statement per table. */
export class Rows {
  private readonly rows = new Map<AnyTable, Map<string, object>>();
  private readonly changed = new Map<AnyTable, Set<string>>();

  /** @throws Error where the projection did not say beforehand that it needs this row */
  get<Row extends object>(table: Table<Row>, key: string): Row | undefined {
    const known = this.rows.get(table);
    if (!known?.has(key)) throw new Error(`Row ${table.name} was not loaded: name it in the projection's needs`);
    const row = known.get(key);
    return row === absent ? undefined : (row as Row);
  }

  put<Row extends object>(table: Table<Row>, row: Row): void {
    const key = String(row[table.key]);
    mapOf(this.rows, table).set(key, row);
    setOf(this.changed, table).add(key);
  }

  has(table: AnyTable, key: string): boolean {
    return this.rows.get(table)?.has(key) ?? false;
  }

  /** What the database answered for a key: a row, or that there is none. */
  loaded(table: AnyTable, key: string, row: object | undefined): void {
    mapOf(this.rows, table).set(key, row ?? absent);
  }

  *changes(): Iterable<[AnyTable, object[]]> {
    for (const [table, keys] of this.changed) yield [table, [...keys].map((key) => this.rows.get(table)!.get(key)!)];
  }

  /** Forgets which rows were changed; keeps them for the next batch. */
  written(): void {
    this.changed.clear();
  }

  get size(): number {
    return [...this.rows.values()].reduce((sum, map) => sum + map.size, 0);
  }
}

const absent = Object.freeze({});

function mapOf<V>(map: Map<AnyTable, Map<string, V>>, key: AnyTable): Map<string, V> {
  const found = map.get(key) ?? new Map<string, V>();
  map.set(key, found);
  return found;
}

function setOf(map: Map<AnyTable, Set<string>>, key: AnyTable): Set<string> {
  const found = map.get(key) ?? new Set<string>();
  map.set(key, found);
  return found;
}
