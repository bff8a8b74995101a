import type { Position } from '@peerbridge/event-store';
import type { EventMetadata, FactOfAnyType } from '@peerbridge/kernel';
import type { SealedPart } from '@peerbridge/vault';
import type { Rows, RowKey } from './rows.js';
import type { AnyTable } from './table.js';

/** An event as projections see it: the open part in its current version; the sealed parts, still sealed. */
export interface ProjectedEvent<Fact extends FactOfAnyType = FactOfAnyType> {
  fact: Fact;
  metadata: EventMetadata;
  sealed: readonly SealedPart[];
  position: Position;
}

/**
 * A fold of events into rows, as a value. It has no side effects and reads no clock: the same log gives the same rows,
 * byte for byte, however often it is replayed.
 */
export interface Projection<Fact extends FactOfAnyType = FactOfAnyType> {
  readonly name: string;
  /** Raise it with any change of what is written: the view is then rebuilt beside the live one. */
  readonly version: number;
  readonly tables: readonly AnyTable[];
  readonly handles: readonly Fact['type'][] | 'every';
  /** Rows that `apply` will want to see for this event. */
  needs(event: ProjectedEvent<Fact>): readonly RowKey[];
  apply(event: ProjectedEvent<Fact>, rows: Rows): void;
}

/** A projection of any events, as runners take them. */
export type AnyProjection = Projection;
