import type { EventData, EventMetadata } from '@peerbridge/kernel';

/**
 * A place in the global order of one store. Opaque to callers and storable. Every adapter writes it as
 * `<store>.<zero-padded order>`, so that two positions of one store compare as strings (`comparePositions`).
 */
export type Position = string;

/** The revision a stream must be at for an append to succeed: 'noStream', or that of its last event (0-based). */
export type ExpectedRevision = 'noStream' | number;

/** An event to append. `metadata.eventId`, `.type` and `.stream` are its identity. */
export interface StoredEvent {
  metadata: EventMetadata;
  data: EventData;
}

export interface RecordedEvent extends StoredEvent {
  stream: string;
  /** 0-based, contiguous within the stream. */
  revision: number;
  position: Position;
}

export interface AppendResult {
  /** Of the last event appended; -1 for an append of nothing to a stream that does not exist. */
  revision: number;
  position: Position;
}

/** Only events whose stream name starts with one of the prefixes. */
export interface EventFilter {
  streamPrefixes: readonly string[];
}

export interface ReadStreamOptions {
  /** First revision to return; with 'backwards' the highest. */
  from?: number;
  direction?: 'forwards' | 'backwards';
  limit?: number;
}

export interface ReadAllOptions {
  /** Exclusive. */
  after?: Position;
  filter?: EventFilter;
  limit?: number;
}

export interface SubscribeAllOptions {
  /** Exclusive; undefined: from the beginning. */
  after?: Position;
  filter?: EventFilter;
  /** Ends the iteration without an error. */
  signal: AbortSignal;
}

/** `checkpoint`: everything up to here was looked at, though nothing matched. `caughtUp`: from here on, live. */
export type SubscriptionItem =
  | { kind: 'event'; event: RecordedEvent }
  | { kind: 'checkpoint'; position: Position }
  | { kind: 'caughtUp' };

export type StoreHealth = { status: 'up' } | { status: 'down'; reason: string };

/** The stream is not at the expected revision. `actual` is 'noStream' or the revision it is at. */
export class WrongExpectedRevision extends Error {
  constructor(readonly stream: string, readonly expected: ExpectedRevision, readonly actual: ExpectedRevision) {
    super(`Stream ${stream} is at ${actual}, not at ${expected}`);
    this.name = 'WrongExpectedRevision';
  }
}

/** The server cannot be reached. The append's outcome is unknown: repeat it with the same ids and expected revision. */
export class StoreUnavailable extends Error {
  constructor(message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = 'StoreUnavailable';
  }
}

/**
 * The server does not take this client, or is not one to be trusted. The message says which server and what is wrong, in
 * words for whoever configured it, and holds no secret.
 */
export class StoreRefuses extends Error {
  constructor(message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = 'StoreRefuses';
  }
}

/** More than a store takes in one append (1 MiB of events). */
export class AppendTooLarge extends Error {
  constructor(readonly maxBytes: number) {
    super(`An append may hold at most ${maxBytes} bytes`);
    this.name = 'AppendTooLarge';
  }
}

/** The stream was deleted for good and takes no more events. */
export class StreamDeleted extends Error {
  constructor(readonly stream: string) {
    super(`Stream ${stream} was deleted`);
    this.name = 'StreamDeleted';
  }
}

/** A position of another store, or not a position at all. */
export class ForeignPosition extends Error {
  constructor() {
    super('Not a position of this event store');
    this.name = 'ForeignPosition';
  }
}

export interface EventStore {
  /**
   * Appends all events or none. Same ids at the same expected revision again (also a first part of an earlier append):
   * the first result. An append of no events succeeds and writes nothing.
   * @throws WrongExpectedRevision, AppendTooLarge, StreamDeleted, StoreUnavailable
   */
  append(stream: string, events: readonly StoredEvent[], options: { expectedRevision: ExpectedRevision }): Promise<AppendResult>;
  /** Empty for a stream that does not exist. @throws StreamDeleted, StoreUnavailable */
  readStream(stream: string, options?: ReadStreamOptions): AsyncIterable<RecordedEvent>;
  /**
   * The global order, never with a gap that fills in later. System events are left out.
   * @throws ForeignPosition, StoreUnavailable
   */
  readAll(options?: ReadAllOptions): AsyncIterable<RecordedEvent>;
  /**
   * History, then live, across outages of the server: reconnects with back-off and resumes after the last item handed over.
   * @throws ForeignPosition
   */
  subscribeAll(options: SubscribeAllOptions): AsyncIterable<SubscriptionItem>;
  /** The position of the last event; undefined while the store is empty. */
  head(): Promise<Position | undefined>;
  /** The id of the event at exactly this position; undefined where none is. @throws ForeignPosition, StoreUnavailable */
  eventIdAt(position: Position): Promise<string | undefined>;
  /** How many events come after the position (undefined: all), as far as `atMost` and without reading long for it. */
  countAfter(position: Position | undefined, atMost: number): Promise<number>;
  /** @throws ForeignPosition where it is not of this store */
  assertPosition(position: Position): void;
  health(): StoreHealth;
  close(): Promise<void>;
}

/** Negative, zero or positive, like any comparator. Both must be of one store. */
export function comparePositions(a: Position, b: Position): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Nest's token for the store that the application chose. */
export const EVENT_STORE = Symbol('EventStore');

/** 1 MiB, as EventStoreDB has it: one limit whichever store a programme runs on. */
export const MAX_APPEND_BYTES = 1_048_576;

/** What an event takes in memory, in bytes, roughly. */
export function memoryOf({ data }: StoredEvent): number {
  return EVENT_OVERHEAD_BYTES + textIn(data);
}

/** Metadata, whose fields are short, and what objects cost. */
const EVENT_OVERHEAD_BYTES = 1_000;

function textIn(value: unknown): number {
  if (typeof value === 'string') return value.length;
  if (typeof value !== 'object' || value === null) return 8;
  let sum = 0;
  for (const one of Object.values(value)) sum += textIn(one);
  return sum;
}
