import type { AnyTable, Table } from './table.js';

/** A row that an event needs to see before it can be applied. */
export interface RowKey {
  table: AnyTable;
  key: string;
}

export const rowKey = <Row extends object>(table: Table<Row>, key: string): RowKey =>
  ({ table, key });

/** What is to be written of one table. */
export interface Changes {
  table: AnyTable;
  /** Rows that the database does not have. */
  made: object[];
  /** Rows that it has, in another state. */
  changed: object[];
  /** Keys of rows that it has, and shall not have. */
  removed: string[];
}

/** The rows of one batch: read beforehand, changed in memory, written with one statement per table. */
export class Rows {
  private readonly rows = new Map<AnyTable, Map<string, object>>();
  /** What takes back each change since an attempt began. */
  private undo: (() => void)[] | undefined;
  /** Whose rows somebody asked for: they may do so again. */
  private readonly wanted = new Map<AnyTable, Set<string>>();
  private readonly made = new Map<AnyTable, Set<string>>();
  private readonly changed = new Map<AnyTable, Set<string>>();
  private readonly removed = new Map<AnyTable, Set<string>>();

  /** @throws Error where the projection did not say beforehand that it needs this row */
  get<Row extends object>(table: Table<Row>, key: string): Row | undefined {
    const known = this.rows.get(table);
    if (!known?.has(key)) throw new Error(`Row ${table.name} was not loaded: name it in the projection's needs`);
    const row = known.get(key);
    return row === absent ? undefined : (row as Row);
  }

  /** A row that nobody asked for before is one that the projection makes. */
  put<Row extends object>(table: Table<Row>, row: Row): void {
    const key = String(row[table.key]);
    this.undo?.push(this.restoring(table, key));
    const rows = mapOf(this.rows, table);
    const made = setOf(this.made, table);
    if (this.removed.get(table)?.delete(key)) setOf(this.changed, table).add(key);
    else if ((rows.get(key) ?? absent) === absent) made.add(key);
    else if (!made.has(key)) setOf(this.changed, table).add(key);
    rows.set(key, row);
  }

  /** Of a row that is there, whether or not it was asked for: put again, it is one that changed. */
  remove(table: AnyTable, key: string): void {
    this.undo?.push(this.restoring(table, key));
    mapOf(this.rows, table).set(key, absent);
    if (this.made.get(table)?.delete(key)) return;
    this.changed.get(table)?.delete(key);
    setOf(this.removed, table).add(key);
  }

  /** All that the change puts and removes, or nothing where it throws. */
  attempt(change: () => void): void {
    this.undo = [];
    try {
      change();
    } catch (error) {
      for (const restore of this.undo.reverse()) restore();
      throw error;
    } finally {
      this.undo = undefined;
    }
  }

  /** What puts a row back into its present state. */
  private restoring(table: AnyTable, key: string): () => void {
    const rows = mapOf(this.rows, table);
    const row = rows.get(key);
    const sets = [this.made, this.changed, this.removed].map((keys) => setOf(keys, table));
    const states = sets.map((keys) => keys.has(key));
    return () => {
      if (row === undefined) rows.delete(key);
      else rows.set(key, row);
      sets.forEach((keys, nth) => (states[nth] ? keys.add(key) : keys.delete(key)));
    };
  }

  /** Says that a row will be asked for. @returns whether it has to be loaded */
  want(table: AnyTable, key: string): boolean {
    setOf(this.wanted, table).add(key);
    return !this.rows.get(table)?.has(key);
  }

  /** What the database answered for a key: a row, or that there is none. */
  loaded(table: AnyTable, key: string, row: object | undefined): void {
    mapOf(this.rows, table).set(key, row ?? absent);
  }

  /** What was put since it was last asked. Rows that were wanted are kept for the next batch. */
  takeChanges(): Changes[] {
    const tables = [...new Set([this.made, this.changed, this.removed].flatMap((keys) => [...keys.keys()]))];
    const rowsOf = (keys: Map<AnyTable, Set<string>>, table: AnyTable) =>
      [...keys.get(table) ?? []].map((key) => this.rows.get(table)!.get(key)!);
    const changes = tables.map((table) => ({
      table, made: rowsOf(this.made, table), changed: rowsOf(this.changed, table), removed: [...this.removed.get(table) ?? []],
    }));
    for (const [table, keys] of [...this.made, ...this.removed]) {
      for (const key of keys) if (!this.wanted.get(table)?.has(key)) this.rows.get(table)!.delete(key);
    }
    this.made.clear();
    this.changed.clear();
    this.removed.clear();
    return changes;
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
