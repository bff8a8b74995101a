import type { Position } from '@peerbridge/event-store';
import { invalid } from '@peerbridge/kernel';
import type { OpaqueText } from '@peerbridge/vault';

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

/** @param cursorOf is called where somebody asks for the cursor */
export function cut<Row>(rows: readonly Row[], first: number, cursorOf: (row: Row) => string): Omit<Page<Row>, 'totalCount'> {
  const page = rows.slice(0, first).map((row) => ({ row, get cursor() { return cursorOf(row); } }));
  return { rows: page, hasNextPage: rows.length > first };
}

const POSITION = 'position';

/**
 * Places in the log and in lists as callers know them: texts that tell nothing, not even an order, so that nobody counts what
 * there is. None but this deployment makes them, for all its processes. Inside, a place is what it is.
 */
export class Places {
  constructor(private readonly opaque: OpaqueText) {}

  position(position: Position): string {
    return this.opaque.seal(POSITION, position);
  }

  /** Undefined for what this deployment told nobody. */
  positionOf(told: string): Position | undefined {
    return this.opaque.open(POSITION, told);
  }

  /** @param list names the list among all that there are: a cursor is a place in no other */
  cursor(list: string, ...place: readonly string[]): string {
    return this.opaque.seal(`list/${list}`, place.join('|'));
  }

  /** @throws DomainError VALIDATION where it is no cursor of the list */
  placeOf(list: string, cursor: string): string[] {
    const place = this.opaque.open(`list/${list}`, cursor);
    if (place === undefined) throw invalid('after is not a cursor of this list', 'after');
    return place.split('|');
  }
}

export const isId = (text: string): boolean => uuid.test(text);
