import { randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import {
  BACKWARDS, DeadlineExceededError, END, ErrorType, EventStoreDBClient, FORWARDS, isCommandError, jsonEvent,
  MaxAppendSizeExceededError, NO_STREAM, START, StreamDeletedError, StreamNotFoundError, streamNameFilter,
  WrongExpectedVersionError,
  type Filter as ServerFilter, type Position as ServerPosition, type ResolvedEvent, type StreamingRead,
} from '@eventstore/db-client';
import type { EventData, EventMetadata } from '@peerbridge/kernel';
import { z } from 'zod';
import {
  AppendTooLarge, ForeignPosition, MAX_APPEND_BYTES, StoreRefuses, StoreUnavailable, StreamDeleted, WrongExpectedRevision,
  type AppendResult, type EventFilter, type EventStore, type ExpectedRevision, type Position, type ReadAllOptions,
  type ReadStreamOptions, type RecordedEvent, type StoredEvent, type StoreHealth, type SubscribeAllOptions, type SubscriptionItem,
} from '../port.js';

export interface EventStoreDbOptions {
  /** `esdb://…` or `esdb+discover://…`, as the server's documentation has it; `kurrentdb` for `esdb` is the same. */
  connectionString: string;
  log?: { info(message: string): void; warn(message: string): void };
}

/** How long `openEventStoreDb` waits for a server that is still starting. */
const OPEN_WITHIN_MS = 30_000;
/** Longer than the client's keepalive needs to notice a dead connection (10 s + 10 s), so that this is the last resort. */
const ANSWER_WITHIN_MS = 30_000;
/** A node may become a follower at any time: it then names the leader, to which the client turns. */
const BY_LEADER = { requiresLeader: true };
/** The deadline is a time of our clock: farther off than it can be from the server's. Our own patience ends sooner. */
const WRITING = { ...BY_LEADER, deadline: 24 * 3_600_000 };
/**
 * Unanswered appends at a time. The client writes them all to one Node stream whose buffer holds 16; what it has to queue
 * beyond that it rejects unhandled when the connection breaks, which ends the process. 15 were measured as fast as 32.
 */
const APPENDS_IN_FLIGHT = 15;
/** A filtered subscription says where it is after this many events, matching or not. */
const SEARCH_WINDOW = 250;
const CHECKPOINT_AFTER_WINDOWS = 2;
/** Positions are signed; servers before 2025 may call 2^64-1 a checkpoint where they have none yet. */
const LAST_COMMIT = 2n ** 63n - 1n;
/** Events are counted by reading them: no further than this. */
const COUNTED_BYTES = 1_048_576;
const FIRST_BACK_OFF_MS = 50;
const LONGEST_BACK_OFF_MS = 3_000;
/** gRPC's codes for who is not known, and for who may not. */
const UNAUTHENTICATED = 16;
const PERMISSION_DENIED = 7;
/** How the client says why a certificate would not do. */
const UNTRUSTED = /Last error: (?:Error: )?(.*(?:certificate|altnames|CERT_).*?)\.? (?:Resolution note:|$)/i;
/** How often a server that is down is looked for, once for all who wait for it. */
const LOOK_EVERY_MS = 200;

/** Begins the name of no stream: a system stream that neither we nor the server write. */
const NO_SUCH_STREAM = '$none-';
/** The stream whose metadata hold the store's identity: metadata are system events, which no reader of ours is shown. */
const IDENTITY_STREAM = 'peerbridge';
const identitySchema = z.object({ storeId: z.string().regex(/^[0-9a-f]{8}$/) });

/**
 * Connects to EventStoreDB 23.10 or later (older servers do not say when a subscription has caught up). One store per
 * process: the client keeps its unanswered appends in one place for all connections, and gives up all with any of them.
 * @throws StoreRefuses; StoreUnavailable when the server has not answered within 30 s
 */
export async function openEventStoreDb({ connectionString, log }: EventStoreDbOptions): Promise<EventStore> {
  const client = clientOf(connectionString.replace(/^kurrentdb(?=[:+])/, 'esdb'));
  const giveUpAt = Date.now() + OPEN_WITHIN_MS;
  for (let attempt = 0; ; attempt += 1) {
    try {
      const store = new EventStoreDbEventStore(client, await storeIdOf(client), log);
      // Whoever may read and write that stream may still not read them all.
      await store.head();
      return store;
    } catch (error) {
      const reason = refusal(error, connectionString) ?? translated(error);
      if (reason instanceof StoreUnavailable && Date.now() <= giveUpAt) {
        await delay(backOffMs(attempt));
        continue;
      }
      await client.dispose();
      throw reason;
    }
  }
}

/** What no waiting mends, said without the user and password of the connection string. */
function refusal(error: unknown, connectionString: string): StoreRefuses | undefined {
  const [, user, hosts] = /^[^:]+:\/\/(?:([^:@/?]+):[^@/?]+@)?([^@/?]+)/.exec(connectionString) ?? [];
  const refuses = (what: string) => new StoreRefuses(`EventStoreDB at ${hosts} ${what}`, { cause: error });
  const { cause = error } = error as { cause?: unknown };
  if (!(cause instanceof Error)) return undefined;
  switch ((cause as { code?: unknown }).code) {
    case UNAUTHENTICATED:
      return refuses(user === undefined ? 'wants a user and a password' : 'does not know this user, or not with this password');
    case PERMISSION_DENIED:
      return refuses(user === undefined
        ? 'lets nobody read and write without a user: name one, with its password'
        : 'does not let this user read and write all streams: give the user the right, or name another');
  }
  const [, untrusted] = UNTRUSTED.exec(cause.message) ?? [];
  return untrusted === undefined ? undefined
    : refuses(`has a certificate that is not trusted (${untrusted}): name the file of its authority as tlsCAFile`);
}

/** What the client keeps to itself. */
interface ClientInternals {
  supports(): Promise<boolean>;
  handleError(...failure: unknown[]): Promise<void>;
  GRPCStreamCreator<Call>(
    service: unknown, name: string, create: (connection: unknown) => Call, ...rest: unknown[]
  ): () => Promise<Call>;
}

/** A client that no outage breaks for good, and none of whose errors is nobody's, which would end the process. */
function clientOf(connectionString: string): EventStoreDBClient {
  const client = EventStoreDBClient.connectionString(connectionString);
  const internals = client as unknown as ClientInternals;
  const { handleError, GRPCStreamCreator: creatorOf } = internals;
  // It asks this once before it appends: where no node was found then, it would not append ever after. 23.10 supports all.
  internals.supports = async () => true;
  // It does not wait for this, which fails as long as no node is found; whoever calls next is told so anyway.
  internals.handleError = (...failure) => handleError(...failure).catch(ignored);
  internals.GRPCStreamCreator = (service, name, create, ...rest) =>
    creatorOf(service, name, (connection) => endingWhenCancelled(takingLateAnswers(create(connection))), ...rest);
  return client;
}

/** The client forgets all unanswered appends when one of its connections breaks, and throws when one is answered after all. */
function takingLateAnswers<Call>(call: Call): Call {
  if (!(call instanceof Readable)) return call;
  for (const take of call.listeners('data')) {
    call.off('data', take as () => void).on('data', (answer: unknown) => {
      try {
        take(answer);
      } catch {
        // Whoever waited for it was told that the outcome is unknown.
      }
    });
  }
  return call;
}

/**
 * Where the server had said all before its reader stopped, cancelling does nothing, and what nobody takes would keep the call
 * from ever ending: the client would remember it, and wait for its end when it is disposed of.
 */
function endingWhenCancelled<Call>(call: Call): Call {
  if (!(call instanceof Readable)) return call;
  const cancellable = call as Call & Readable & { cancel(): void };
  const cancel = cancellable.cancel.bind(cancellable);
  cancellable.cancel = () => {
    cancel();
    cancellable.resume();
  };
  return call;
}

/** Written by the first who opens the store; whoever loses that race reads what the winner wrote. */
async function storeIdOf(client: EventStoreDBClient): Promise<string> {
  const { metadata } = await client.getStreamMetadata(IDENTITY_STREAM, BY_LEADER);
  if (metadata) return identitySchema.parse(metadata).storeId;
  const identity = { storeId: randomBytes(4).toString('hex') };
  try {
    await client.setStreamMetadata(IDENTITY_STREAM, identity, { ...WRITING, expectedRevision: NO_STREAM });
  } catch (error) {
    if (!(error instanceof WrongExpectedVersionError)) throw error;
  }
  return storeIdOf(client);
}

/** What the subscription's stream carries beside events: put there as they arrive, so that the order of all is kept. */
type Subscribed = ResolvedEvent | { checkpoint: ServerPosition } | typeof CAUGHT_UP;
const CAUGHT_UP = { kind: 'caughtUp' } as const;

class EventStoreDbEventStore implements EventStore {
  private readonly appends = new Slots(APPENDS_IN_FLIGHT);
  private readonly closing = new AbortController();
  private outage: string | undefined;
  private looking: Promise<void> | undefined;
  /** Wakes who waits for the server to be back. */
  private readonly sleepers = new Set<() => void>();
  private readonly positionFormat: RegExp;

  constructor(
    private readonly client: EventStoreDBClient,
    private readonly storeId: string,
    private readonly log: EventStoreDbOptions['log'],
  ) {
    this.positionFormat = new RegExp(`^esdb-${storeId}\\.(\\d{20})\\.(\\d{20})$`);
  }

  async append(
    stream: string, events: readonly StoredEvent[], { expectedRevision }: { expectedRevision: ExpectedRevision },
  ): Promise<AppendResult> {
    if (events.length === 0) return this.endOf(stream);
    const bytes = events.reduce((sum, event) => sum + bytesOf(event), 0);
    if (bytes > MAX_APPEND_BYTES) throw new AppendTooLarge(MAX_APPEND_BYTES);

    const messages = events.map(({ metadata, data }) =>
      jsonEvent({ id: metadata.eventId, type: metadata.type, data: { ...data }, metadata: { ...metadata } }));
    const expected = expectedRevision === 'noStream' ? NO_STREAM : BigInt(expectedRevision);
    try {
      const { success, nextExpectedRevision, position } = await decided(() => this.appends.use(() =>
        answered(this.client.appendToStream(stream, messages, { ...WRITING, expectedRevision: expected }))));
      this.reached();
      // Only with throwOnAppendFailure=false in the connection string, and then the client's revision is wrong.
      if (!success) throw new WrongExpectedRevision(stream, expectedRevision, await this.lastRevision(stream) ?? 'noStream');
      return { revision: Number(nextExpectedRevision), position: this.positionOf(position) };
    } catch (error) {
      if (error instanceof WrongExpectedVersionError) {
        this.reached();
        const actual = typeof error.actualVersion === 'bigint' ? Number(error.actualVersion) : 'noStream';
        throw new WrongExpectedRevision(stream, expectedRevision, actual);
      }
      throw this.noticed(error);
    }
  }

  async *readStream(stream: string, { from, direction, limit }: ReadStreamOptions = {}): AsyncGenerator<RecordedEvent> {
    if (limit === 0) return;
    const backwards = direction === 'backwards';
    const events = this.read(() => this.client.readStream(stream, {
      ...BY_LEADER,
      direction: backwards ? BACKWARDS : FORWARDS,
      fromRevision: from !== undefined ? BigInt(from) : backwards ? END : START,
      ...(limit !== undefined && { maxCount: limit }),
    }));
    try {
      for await (const resolved of events) {
        const event = this.recorded(resolved);
        if (event) yield event;
      }
    } catch (error) {
      if (!(error instanceof StreamNotFoundError)) throw error;
    }
  }

  async *readAll({ after, filter, limit = Infinity }: ReadAllOptions = {}): AsyncGenerator<RecordedEvent> {
    const fromPosition = after === undefined ? START : this.parsed(after);
    let left = limit;
    if (left <= 0) return;
    for await (const resolved of this.read(() => this.client.readAll({ ...BY_LEADER, fromPosition }))) {
      const event = this.recorded(resolved);
      // The server's reads start *at* a position, its subscriptions after it.
      if (!event || event.position === after || !passes(filter, event.stream)) continue;
      yield event;
      left -= 1;
      if (left === 0) return;
    }
  }

  subscribeAll({ signal, ...options }: SubscribeAllOptions): AsyncIterable<SubscriptionItem> {
    // A generator's own `return` would wait for an event that may never come.
    const returned = new AbortController();
    const items = this.follow(options, AbortSignal.any([signal, returned.signal, this.closing.signal]));
    return {
      [Symbol.asyncIterator]: () => ({
        next: () => items.next(),
        return: () => {
          returned.abort();
          return items.return(undefined);
        },
      }),
    };
  }

  async head(): Promise<Position | undefined> {
    const latestFirst = this.read(() => this.client.readAll({ ...BY_LEADER, direction: BACKWARDS, fromPosition: END }));
    for await (const resolved of latestFirst) {
      const event = this.recorded(resolved);
      if (event) return event.position;
    }
    return undefined;
  }

  async eventIdAt(position: Position): Promise<string | undefined> {
    const fromPosition = this.parsed(position);
    for await (const resolved of this.read(() => this.client.readAll({ ...BY_LEADER, fromPosition, maxCount: 1 }))) {
      const event = this.recorded(resolved);
      if (event?.position === position) return event.metadata.eventId;
    }
    return undefined;
  }

  /** The server cannot count: a stretch is read that takes no longer for large events. */
  async countAfter(position: Position | undefined, atMost: number): Promise<number> {
    let count = 0;
    let bytes = 0;
    for await (const event of this.readAll({ ...(position !== undefined && { after: position }), limit: atMost })) {
      count += 1;
      bytes += bytesOf(event);
      if (bytes > COUNTED_BYTES) break;
    }
    return count;
  }

  assertPosition(position: Position): void {
    this.parsed(position);
  }

  health(): StoreHealth {
    return this.outage === undefined ? { status: 'up' } : { status: 'down', reason: this.outage };
  }

  async close(): Promise<void> {
    this.closing.abort();
    await this.client.dispose();
  }

  /** The client never resubscribes: this does, after the last item handed over. */
  private async *follow(
    { after, filter }: Omit<SubscribeAllOptions, 'signal'>, signal: AbortSignal,
  ): AsyncGenerator<SubscriptionItem> {
    let position: ServerPosition | typeof START = after === undefined ? START : this.parsed(after);
    for (let failures = 0; !signal.aborted; failures += 1) {
      const subscription = this.client.subscribeToAll({
        fromPosition: position,
        filter: serverFilterOf(filter, (checkpoint) => void subscription.push({ checkpoint })),
      });
      subscription
        .on('caughtUp', () => void subscription.push(CAUGHT_UP))
        .on('confirmation', () => this.reached())
        .on('error', ignored);
      const stop = () => void subscription.destroy();
      signal.addEventListener('abort', stop, { once: true });
      try {
        for await (const item of subscription as AsyncIterable<Subscribed>) {
          if (signal.aborted) return;
          failures = 0;
          if ('kind' in item) {
            yield item;
          } else if ('checkpoint' in item) {
            if (!isAfter(item.checkpoint, position)) continue;
            position = item.checkpoint;
            yield { kind: 'checkpoint', position: this.positionOf(position) };
          } else {
            const event = this.recorded(item);
            position = item.event?.position ?? position;
            if (event) yield { kind: 'event', event };
          }
        }
      } catch (error) {
        if (signal.aborted) return;
        if (!isTooSlow(error)) {
          const reason = this.noticed(error);
          if (!(reason instanceof StoreUnavailable)) throw reason;
        }
      } finally {
        signal.removeEventListener('abort', stop);
        subscription.destroy();
        subscription.unsubscribe().catch(ignored);
      }
      await this.serverIsBack(backOffMs(failures), signal);
    }
  }

  /** Until somebody has reached the server after an outage, or the time has passed, or the signal aborts. */
  private async serverIsBack(withinMs: number, signal: AbortSignal): Promise<void> {
    const woken = new AbortController();
    const wake = () => woken.abort();
    this.sleepers.add(wake);
    await delay(withinMs, undefined, { signal: AbortSignal.any([signal, woken.signal]) }).catch(ignored);
    this.sleepers.delete(wake);
  }

  private async *read<Event>(start: () => StreamingRead<Event>): AsyncGenerator<Event> {
    const events = start().on('error', ignored);
    try {
      for await (const event of events) yield event as Event;
      this.reached();
    } catch (error) {
      throw this.noticed(error);
    } finally {
      // Else the server would keep a stopped read open.
      if (!events.readableEnded) events.cancel().catch(ignored);
    }
  }

  /** Undefined for what the server wrote itself, and for what other programs wrote there. */
  private recorded({ event }: ResolvedEvent): RecordedEvent | undefined {
    if (!event?.isJson || event.streamId.startsWith('$') || event.type.startsWith('$')) return undefined;
    const metadata = event.metadata as EventMetadata | undefined;
    if (metadata?.eventId === undefined) return undefined;
    return {
      stream: event.streamId,
      revision: Number(event.revision),
      position: this.positionOf(event.position),
      metadata,
      data: event.data as unknown as EventData,
    };
  }

  private async endOf(stream: string): Promise<AppendResult> {
    const [revision, head] = await Promise.all([this.lastRevision(stream), this.head()]);
    return { revision: revision ?? -1, position: head ?? this.positionOf({ commit: 0n, prepare: 0n }) };
  }

  private async lastRevision(stream: string): Promise<number | undefined> {
    for await (const event of this.readStream(stream, { direction: 'backwards', limit: 1 })) return event.revision;
    return undefined;
  }

  private positionOf(position: ServerPosition | undefined): Position {
    if (!position) throw new Error('The server names no position: it is older than 23.10');
    const padded = (part: bigint) => part.toString().padStart(20, '0');
    return `esdb-${this.storeId}.${padded(position.commit)}.${padded(position.prepare)}`;
  }

  private parsed(position: Position): ServerPosition {
    const [, commit, prepare] = this.positionFormat.exec(position) ?? [];
    if (commit === undefined || prepare === undefined) throw new ForeignPosition();
    return { commit: BigInt(commit), prepare: BigInt(prepare) };
  }

  private reached(): void {
    if (this.outage === undefined) return;
    this.outage = undefined;
    this.log?.info('The event store answers again');
    for (const wake of this.sleepers) wake();
  }

  /** Nobody may be calling while the server is down, or all may be backing off. */
  private async look(): Promise<void> {
    const { signal } = this.closing;
    while (this.outage !== undefined && !signal.aborted) {
      await delay(LOOK_EVERY_MS, undefined, { signal, ref: false }).catch(ignored);
      await this.head().catch(ignored);
    }
  }

  /** The port's error for what the client threw. `health` shows an outage, and a refusal ends it: somebody answered. */
  private noticed(error: unknown): unknown {
    const reason = translated(error);
    if (reason instanceof StoreUnavailable) {
      if (this.outage === undefined && !this.closing.signal.aborted) this.log?.warn(`The event store is down: ${reason.message}`);
      this.outage = reason.message;
      this.looking ??= this.look().finally(() => {
        this.looking = undefined;
      });
    } else if (error instanceof Error && isCommandError(error)) {
      this.reached();
    }
    return reason;
  }
}

/** Lets so many pieces of work run at a time, first come, first served. */
class Slots {
  private readonly waiting: (() => void)[] = [];

  constructor(private free: number) {}

  async use<Result>(work: () => Promise<Result>): Promise<Result> {
    if (this.free > 0) this.free -= 1;
    else await new Promise<void>((resolve) => this.waiting.push(resolve));
    try {
      return await work();
    } finally {
      const next = this.waiting.shift();
      if (next) next();
      else this.free += 1;
    }
  }
}

/**
 * A repeat that arrives while the first is being committed is told, at the server's commit timeout, that its deadline has
 * passed, and sometimes so is the first. Asked again, the server knows what it has.
 */
async function decided<Result>(append: () => Promise<Result>): Promise<Result> {
  const giveUpAt = Date.now() + ANSWER_WITHIN_MS;
  for (let attempt = 0; ; attempt += 1) {
    try {
      return await append();
    } catch (error) {
      if (!(error instanceof DeadlineExceededError) || Date.now() > giveUpAt) throw error;
      await delay(backOffMs(attempt));
    }
  }
}

/** An append that is written to a connection just as it breaks is never answered by the client. */
function answered<Result>(call: Promise<Result>): Promise<Result> {
  return new Promise((resolve, reject) => {
    const noAnswer = () => reject(new StoreUnavailable(`No answer within ${ANSWER_WITHIN_MS} ms`));
    const timer = setTimeout(noAnswer, ANSWER_WITHIN_MS).unref();
    call.finally(() => clearTimeout(timer)).then(resolve, reject);
  });
}

/** The gRPC codes of an outage, for errors that the client has no name for: what is not here is a mistake of ours. */
const outageCodes: ReadonlySet<unknown> = new Set([
  undefined, // a refused append: 'Server Is Not Ready'
  1, // CANCELLED
  2, // UNKNOWN: 'No leader info available in response', 'Exception was thrown by handler.'
  4, // DEADLINE_EXCEEDED
  8, // RESOURCE_EXHAUSTED
  10, // ABORTED
  13, // INTERNAL
  14, // UNAVAILABLE
]);
const outageTypes: ReadonlySet<unknown> = new Set([
  ErrorType.UNAVAILABLE, ErrorType.DEADLINE_EXCEEDED, ErrorType.TIMEOUT, ErrorType.CANCELLED, ErrorType.NOT_LEADER,
]);

function translated(error: unknown): unknown {
  if (error instanceof StreamDeletedError) return new StreamDeleted(error.streamName);
  if (error instanceof MaxAppendSizeExceededError) return new AppendTooLarge(error.maxAppendSize);
  return isOutage(error) ? new StoreUnavailable(error.message || 'The event store does not answer', { cause: error }) : error;
}

function isOutage(error: unknown): error is Error {
  if (!(error instanceof Error)) return false;
  if (isCommandError(error) && error.type !== ErrorType.UNKNOWN) return outageTypes.has(error.type);
  // UNKNOWN as well, though no retry finds it valid.
  if (error.message.includes('InvalidPosition')) return false;
  return ('code' in error && outageCodes.has(error.code)) || error.message.startsWith('Failed to discover');
}

/** Older servers let go of a subscriber they would have to wait for: no outage, they are there to start again. */
const isTooSlow = (error: unknown): boolean => error instanceof Error && error.message.includes('Consumer too slow');

/** As the server counts. */
const bytesOf = ({ metadata, data }: StoredEvent): number =>
  Buffer.byteLength(JSON.stringify(data)) + Buffer.byteLength(JSON.stringify(metadata)) + 2 * metadata.type.length;

const passes = (filter: EventFilter | undefined, stream: string): boolean =>
  !filter || filter.streamPrefixes.some((prefix) => stream.startsWith(prefix));

function serverFilterOf(filter: EventFilter | undefined, reached: (checkpoint: ServerPosition) => void): ServerFilter {
  const options = {
    maxSearchWindow: SEARCH_WINDOW,
    checkpointInterval: CHECKPOINT_AFTER_WINDOWS,
    checkpointReached: (_: unknown, checkpoint: ServerPosition) => reached(checkpoint),
  };
  if (!filter) return streamNameFilter({ regex: '^[^$]', ...options });
  // To the server an empty list of prefixes is no filter at all.
  const prefixes = filter.streamPrefixes.length > 0 ? [...filter.streamPrefixes] : [NO_SUCH_STREAM];
  return streamNameFilter({ prefixes, ...options });
}

/** Servers repeat as a checkpoint where the last event was, some even where an earlier one was. */
function isAfter(checkpoint: ServerPosition, position: ServerPosition | typeof START): boolean {
  if (checkpoint.commit > LAST_COMMIT) return false;
  if (position === START || checkpoint.commit > position.commit) return true;
  return checkpoint.commit === position.commit && checkpoint.prepare > position.prepare;
}

/** Half fixed, half random, so that many clients do not come back at once. */
function backOffMs(failures: number): number {
  const longest = Math.min(LONGEST_BACK_OFF_MS, FIRST_BACK_OFF_MS * 2 ** failures);
  return longest / 2 + Math.random() * (longest / 2);
}

/** For errors of a stream that somebody else awaits, or that nobody reads any more. */
const ignored = (): void => {};
