import { instant, invalid } from '@peerbridge/kernel';

export interface Page<Row> {
  rows: { row: Row; cursor: string }[];
  hasNextPage: boolean;
  /** Counted only when asked for. */
  totalCount: number | undefined;
}

export interface PageRequest {
  first: number;
  after?: string;
  count: boolean;
  /** What each of its rows brings into the answer; one where it is not said. */
  valuesOfRow?: number;
}

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

export function cut<Row>(rows: readonly Row[], first: number, cursorOf: (row: Row) => string): Omit<Page<Row>, 'totalCount'> {
  return { rows: rows.slice(0, first).map((row) => ({ row, cursor: cursorOf(row) })), hasNextPage: rows.length > first };
}

/** Cursors name a place in an order, never content. */
export const encodeCursor = (...parts: readonly string[]): string => Buffer.from(parts.join('|')).toString('base64url');

export function decodeCursor(cursor: string, ...parts: readonly ((text: string) => boolean)[]): string[] {
  const decoded = Buffer.from(cursor, 'base64url').toString('utf8').split('|');
  const sound = decoded.length === parts.length && parts.every((isPart, index) => isPart(decoded[index]!));
  if (!sound) throw invalid('after is not a cursor of this list', 'after');
  return decoded;
}

export const isId = (text: string): boolean => uuid.test(text);
export const isInstant = (text: string): boolean => instant.safeParse(text).success;
export const isListedAt = (text: string): boolean => text === '' || isInstant(text);
