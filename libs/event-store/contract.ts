import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { EventData, EventMetadata } from '@peerbridge/kernel';
import {
  AppendTooLarge, comparePositions, ForeignPosition, MAX_APPEND_BYTES, StoreUnavailable, WrongExpectedRevision,
  type AppendResult, type EventStore, type ExpectedRevision, type Position, type ReadAllOptions, type ReadStreamOptions,
  type RecordedEvent, type StoredEvent, type SubscribeAllOptions, type SubscriptionItem,
} from './port.js';

export interface StoreUnderTest {
  store: EventStore;
  /** A second client of the same server, as another process would be. The suite closes it, however its test ends. */
  another(): Promise<EventStore>;
  /** `kill -9`; resolves when the server is dead. */
  killServer?(): Promise<void>;
  /** Resolves when the server answers again. */
  restartServer?(): Promise<void>;
  /** Closes the store and whatever `open` started. */
  close(): Promise<void>;
}

/** Begins the streams that the suite writes to. */
const CONTRACT_STREAMS = 'contractTest';

/**
 * The suite writes thousands of events, which a store keeps for good: it refuses one that holds anything but its own.
 * @throws Error
 */
export async function assertHoldsNoDeployment(store: Pick<EventStore, 'readAll'>): Promise<void> {
  for await (const { stream } of store.readAll()) {
    if (!stream.startsWith(CONTRACT_STREAMS)) {
      throw new Error('This event store holds events of a deployment. The contract writes to an event store of its own.');
    }
  }
}

/** A valid event with fresh ids, of a type that no capability has and about nobody: it stops no person's projection. */
export function anEvent(
  stream: string, metadata: Partial<EventMetadata> = {}, data: EventData = { open: {}, sealed: {} },
): StoredEvent {
  const eventId = metadata.eventId ?? randomUUID();
  return {
    metadata: {
      eventId,
      type: 'ContractTested',
      schemaVersion: 1,
      stream,
      occurredAt: '2026-01-15T11:30:00.000Z',
      recordedAt: '2026-01-15T12:00:00.000Z',
      actor: { id: randomUUID(), role: 'peer', orgId: randomUUID() },
      purpose: 'COC',
      sourceOrgId: randomUUID(),
      labels: { segments: ['peer'], part2: true, confidentiality: 'R' },
      commandId: randomUUID(),
      bodyHash: 'c29tZSBib2R5',
      $correlationId: randomUUID(),
      $causationId: randomUUID(),
      consentRefs: [],
      ...metadata,
    },
    data,
  };
}

const eventsFor = (stream: string, count: number): StoredEvent[] => Array.from({ length: count }, () => anEvent(stream));
const idsOf = (events: readonly StoredEvent[]): string[] => events.map((event) => event.metadata.eventId);
const revisionsOf = (events: readonly RecordedEvent[]): number[] => events.map((event) => event.revision);
const upTo = (count: number): number[] => Array.from({ length: count }, (_, index) => index);

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

/** Retries what an outage interrupted with the same ids and expected revision, as every caller of the port may. */
async function insist(append: () => Promise<AppendResult>): Promise<AppendResult> {
  for (const deadline = Date.now() + PATIENCE_MS; ;) {
    try {
      return await append();
    } catch (error) {
      if (!(error instanceof StoreUnavailable) || Date.now() > deadline) throw error;
      await delay(50);
    }
  }
}

/** Longer than any of it takes on a busy machine; shorter than the tests' own limits. */
const PATIENCE_MS = 25_000;

/** A subscriber that writes down all it is handed. */
class Follower {
  readonly items: SubscriptionItem[] = [];
  readonly ended: Promise<void>;
  private readonly abort = new AbortController();
  private failure: unknown;

  constructor(store: EventStore, options: Omit<SubscribeAllOptions, 'signal'>) {
    this.ended = (async () => {
      try {
        for await (const item of store.subscribeAll({ ...options, signal: this.abort.signal })) this.items.push(item);
      } catch (error) {
        this.failure = error;
      }
    })();
  }

  get events(): RecordedEvent[] {
    return this.items.flatMap((item) => (item.kind === 'event' ? [item.event] : []));
  }

  /** Of events and checkpoints. */
  get positions(): Position[] {
    return this.items.flatMap((item) => {
      switch (item.kind) {
        case 'event': return item.event.position;
        case 'checkpoint': return item.position;
        case 'caughtUp': return [];
      }
    });
  }

  get isCaughtUp(): boolean {
    return this.items.some((item) => item.kind === 'caughtUp');
  }

  get checkpoint(): string | undefined {
    return this.items.flatMap((item) => (item.kind === 'checkpoint' ? [item.position] : [])).at(-1);
  }

  /** @throws what ended the subscription, or an Error when it does not come to hold */
  async until(condition: (self: Follower) => boolean): Promise<void> {
    const deadline = Date.now() + PATIENCE_MS;
    while (!condition(this)) {
      if (this.failure) throw this.failure;
      if (Date.now() > deadline) {
        throw new Error(`Waited in vain, after ${this.items.length} items`);
      }
      await delay(10);
    }
  }

  async stop(): Promise<void> {
    this.abort.abort();
    await this.ended;
    if (this.failure) throw this.failure;
  }
}

/**
 * What every event store of ours answers, over a real server. Tests use streams of their own, so the store need not be
 * empty, but a deployment's it must not be. Outages are tested unless the server cannot be killed.
 */
export function eventStoreContract(
  name: string, open: () => Promise<StoreUnderTest>, { canKillServer = true }: { canKillServer?: boolean } = {},
): void {
  describe(`${name}, as an event store`, () => {
    let tested: StoreUnderTest;
    let store: EventStore;
    beforeAll(async () => {
      tested = await open();
      store = tested.store;
      await assertHoldsNoDeployment(store);
    }, 120_000);
    afterEach(async () => {
      // A client that a failed test left open would keep the process from ending.
      for (const one of others.splice(0)) await one.close();
    });
    afterAll(() => tested?.close(), 60_000);

    const others: EventStore[] = [];
    const another = async (): Promise<EventStore> => {
      const other = await tested.another();
      others.push(other);
      return other;
    };
    const newCategory = (): string => `${CONTRACT_STREAMS}${randomUUID().replaceAll('-', '')}`;
    const newStream = (category = newCategory()): string => `${category}-${randomUUID()}`;
    const append = (stream: string, events: readonly StoredEvent[], expectedRevision: ExpectedRevision) =>
      store.append(stream, events, { expectedRevision });
    const read = (stream: string, options?: ReadStreamOptions) => collect(store.readStream(stream, options));

    async function refusal(attempt: Promise<unknown>): Promise<WrongExpectedRevision> {
      const error = await attempt.then(() => undefined, (reason: unknown) => reason);
      expect(error).toBeInstanceOf(WrongExpectedRevision);
      return error as WrongExpectedRevision;
    }

    describe('appending', () => {
      it('numbers the events of a stream from 0 and answers with the revision and position of the last', async () => {
        const stream = newStream();
        const first = await append(stream, eventsFor(stream, 2), 'noStream');
        const second = await append(stream, eventsFor(stream, 3), 1);
        expect([first.revision, second.revision]).toEqual([1, 4]);
        const events = await read(stream);
        expect(revisionsOf(events)).toEqual([0, 1, 2, 3, 4]);
        expect([first.position, second.position]).toEqual([events[1]?.position, events[4]?.position]);
      });

      it('refuses a new stream where there is one, and says where it is', async () => {
        const stream = newStream();
        await append(stream, eventsFor(stream, 2), 'noStream');
        expect(await refusal(append(stream, eventsFor(stream, 1), 'noStream')))
          .toMatchObject({ stream, expected: 'noStream', actual: 1 });
      });

      it('refuses a revision the stream is not at: past, future, or of a stream that does not exist', async () => {
        const stream = newStream();
        await append(stream, eventsFor(stream, 3), 'noStream');
        expect(await refusal(append(stream, eventsFor(stream, 1), 1))).toMatchObject({ stream, expected: 1, actual: 2 });
        expect(await refusal(append(stream, eventsFor(stream, 1), 7))).toMatchObject({ stream, expected: 7, actual: 2 });
        const missing = newStream();
        expect(await refusal(append(missing, eventsFor(missing, 1), 0))).toMatchObject({ expected: 0, actual: 'noStream' });
        expect(await read(missing)).toEqual([]);
        expect(await read(stream)).toHaveLength(3);
      });

      it.each(['noStream', 0] as const)('lets exactly one of 16 racing writers win, after %s', async (expected) => {
        const stream = newStream();
        const other = await another();
        if (expected === 0) await append(stream, eventsFor(stream, 1), 'noStream');
        const attempts = upTo(16).map(() => eventsFor(stream, 1));
        const outcomes = await Promise.allSettled(attempts.map((events, writer) =>
          (writer % 2 ? other : store).append(stream, events, { expectedRevision: expected })));

        const winner = outcomes.findIndex((outcome) => outcome.status === 'fulfilled');
        const actual = expected === 0 ? 1 : 0;
        const losers = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason as unknown] : []));
        expect(losers).toHaveLength(15);
        for (const loser of losers) expect(loser).toBeInstanceOf(WrongExpectedRevision);
        expect(losers).toEqual(losers.map(() => expect.objectContaining({ stream, expected, actual })));
        expect((await read(stream)).at(-1)?.metadata.eventId).toBe(attempts[winner]?.[0]?.metadata.eventId);
      });

      it('writes all events of an append or none', async () => {
        const stream = newStream();
        await append(stream, eventsFor(stream, 1), 'noStream');
        await refusal(append(stream, eventsFor(stream, 5), 'noStream'));
        expect(await read(stream)).toHaveLength(1);
      });

      it('succeeds with no events, and writes nothing', async () => {
        const stream = newStream();
        expect((await append(stream, [], 'noStream')).revision).toBe(-1);
        await append(stream, eventsFor(stream, 2), 'noStream');
        expect((await append(stream, [], 1)).revision).toBe(1);
        expect(await read(stream)).toHaveLength(2);
      });

      it('takes no more than 1 MiB at once, in one event or in several', async () => {
        const stream = newStream();
        const eventOf = (bytes: number) => anEvent(stream, {}, { open: { text: 'x'.repeat(bytes) }, sealed: {} });
        const tooLarge = { name: 'AppendTooLarge', maxBytes: MAX_APPEND_BYTES };
        await expect(append(stream, [eventOf(MAX_APPEND_BYTES + 1)], 'noStream')).rejects.toBeInstanceOf(AppendTooLarge);
        await expect(append(stream, [eventOf(MAX_APPEND_BYTES + 1)], 'noStream')).rejects.toMatchObject(tooLarge);
        await expect(append(stream, upTo(3).map(() => eventOf(400_000)), 'noStream')).rejects.toMatchObject(tooLarge);
        expect(await read(stream)).toEqual([]);
        expect((await append(stream, [eventOf(400_000), eventOf(400_000)], 'noStream')).revision).toBe(1);
      });
    });

    describe('appending again', () => {
      it('answers the same ids at the same revision with the first result, also after later events', async () => {
        const stream = newStream();
        const opening = eventsFor(stream, 2);
        const later = eventsFor(stream, 1);
        const first = await append(stream, opening, 'noStream');
        expect(await append(stream, opening, 'noStream')).toEqual(first);
        const second = await append(stream, later, 1);
        await append(stream, eventsFor(stream, 2), 2);
        expect(await append(stream, opening, 'noStream')).toEqual(first);
        expect(await append(stream, later, 1)).toEqual(second);
        expect(await read(stream)).toHaveLength(5);
      });

      it('gives simultaneous repeats of one append one answer', async () => {
        const stream = newStream();
        const other = await another();
        const events = eventsFor(stream, 2);
        const answers = await Promise.all(upTo(8).map((writer) =>
          (writer % 2 ? other : store).append(stream, events, { expectedRevision: 'noStream' })));
        expect(answers).toEqual(answers.map(() => answers[0]));
        expect(idsOf(await read(stream))).toEqual(idsOf(events));
      });

      it('takes the first part of an earlier append for a repeat', async () => {
        const stream = newStream();
        const events = eventsFor(stream, 4);
        await append(stream, events, 'noStream');
        const half = await append(stream, events.slice(0, 2), 'noStream');
        expect(half).toEqual({ revision: 1, position: (await read(stream))[1]?.position });
        expect(await read(stream)).toHaveLength(4);
      });

      it('refuses an append that only begins as an earlier one did', async () => {
        const stream = newStream();
        const events = eventsFor(stream, 1);
        await append(stream, events, 'noStream');
        expect(await refusal(append(stream, [...events, ...eventsFor(stream, 1)], 'noStream'))).toMatchObject({ actual: 0 });
        expect(await refusal(append(stream, [...eventsFor(stream, 1), ...events], 'noStream'))).toMatchObject({ actual: 0 });
        expect(await read(stream)).toHaveLength(1);
      });

      it('stores an id a second time where it is no repeat: at the next revision, or in another stream', async () => {
        const [stream, elsewhere] = [newStream(), newStream()];
        const event = anEvent(stream);
        await append(stream, [event], 'noStream');
        expect((await append(stream, [event], 0)).revision).toBe(1);
        const copy = await append(elsewhere, [{ ...event, metadata: { ...event.metadata, stream: elsewhere } }], 'noStream');
        expect(idsOf(await read(elsewhere))).toEqual([event.metadata.eventId]);
        expect(comparePositions(copy.position, (await read(stream))[1]!.position)).toBeGreaterThan(0);
      });
    });

    describe('reading a stream', () => {
      it('goes forwards or backwards, from a revision, up to a limit', async () => {
        const stream = newStream();
        const events = eventsFor(stream, 6);
        await append(stream, events, 'noStream');
        expect(idsOf(await read(stream))).toEqual(idsOf(events));
        expect(revisionsOf(await read(stream, { from: 4 }))).toEqual([4, 5]);
        expect(revisionsOf(await read(stream, { from: 1, limit: 2 }))).toEqual([1, 2]);
        expect(revisionsOf(await read(stream, { from: 6 }))).toEqual([]);
        expect(revisionsOf(await read(stream, { direction: 'backwards' }))).toEqual([5, 4, 3, 2, 1, 0]);
        expect(revisionsOf(await read(stream, { direction: 'backwards', limit: 1 }))).toEqual([5]);
        expect(revisionsOf(await read(stream, { direction: 'backwards', from: 3, limit: 3 }))).toEqual([3, 2, 1]);
      });

      it('finds nothing in a stream that does not exist, either way', async () => {
        expect(await read(newStream())).toEqual([]);
        expect(await read(newStream(), { direction: 'backwards' })).toEqual([]);
      });

      it('pages through a long stream without a seam', async () => {
        const stream = newStream();
        for (const batch of upTo(5)) await append(stream, eventsFor(stream, 500), batch === 0 ? 'noStream' : batch * 500 - 1);
        expect(revisionsOf(await read(stream))).toEqual(upTo(2500));
        expect(revisionsOf(await read(stream, { direction: 'backwards' }))).toEqual(upTo(2500).reverse());
      }, 30_000);

      it('gives back every event as it was written, to the order of its keys', async () => {
        const stream = newStream();
        const data: EventData = {
          open: {
            zulu: 'zoë 🌱 \u2028 "quoted" \\ \n\t \u0000 \ud800', alpha: ['٣', '', null, true, [[]], {}],
            units: '9007199254740993', amount: 1e21, fraction: 0.1, negative: -1,
            nested: { b: { a: [{ z: 1, a: 2 }] }, a: 'later' },
          },
          sealed: { sud: { keyId: randomUUID(), nonce: 'AAAAAAAAAAAAAAAA', ciphertext: '++//==' } },
        };
        const event = anEvent(stream, { consentRefs: [randomUUID()], onBehalfOf: randomUUID() }, data);
        await append(stream, [event], 'noStream');
        const [recorded] = await read(stream);
        expect(recorded).toMatchObject({ stream, revision: 0 });
        expect(JSON.stringify(recorded?.metadata)).toBe(JSON.stringify(event.metadata));
        expect(JSON.stringify(recorded?.data)).toBe(JSON.stringify(event.data));
      });
    });

    describe('reading all streams', () => {
      it('follows the global order, by filter, after a position, up to a limit', async () => {
        const [ours, theirs] = [newStream(), newStream()];
        const start = await store.head();
        const results: AppendResult[] = [];
        for (const round of upTo(4)) {
          const expected = round === 0 ? 'noStream' : round - 1;
          results.push(await append(ours, eventsFor(ours, 1), expected), await append(theirs, eventsFor(theirs, 1), expected));
        }
        const positions = results.map((result) => result.position);
        const found = async (options: ReadAllOptions) =>
          (await collect(store.readAll(options))).map((event) => event.position);

        expect(await found({ after: start })).toEqual(positions);
        expect(await found({ after: positions[2], limit: 3 })).toEqual(positions.slice(3, 6));
        expect(await found({ after: positions.at(-1) })).toEqual([]);
        const [prefix, otherPrefix] = [ours.split('-')[0]! + '-', theirs.split('-')[0]! + '-'];
        const even = positions.filter((_, index) => index % 2 === 0);
        expect(await found({ filter: { streamPrefixes: [prefix] } })).toEqual(even);
        expect(await found({ filter: { streamPrefixes: [prefix] }, after: even[0], limit: 2 })).toEqual(even.slice(1, 3));
        expect(await found({ filter: { streamPrefixes: [prefix, otherPrefix] } })).toEqual(positions);
        expect(await found({ filter: { streamPrefixes: [ours, 'no_such%'] }, limit: 1 })).toEqual(even.slice(0, 1));
      });

      it('takes a prefix literally', async () => {
        const stream = newStream();
        await append(stream, eventsFor(stream, 1), 'noStream');
        const wild = [`${stream.slice(0, 20)}%`, `${stream.slice(0, 20)}_`, stream.toUpperCase(), `${stream}x`, '.*'];
        expect(await collect(store.readAll({ filter: { streamPrefixes: wild } }))).toEqual([]);
      });

      it('starts at the beginning when told no position', async () => {
        const stream = newStream();
        await append(stream, eventsFor(stream, 1), 'noStream');
        const [first] = await collect(store.readAll({ limit: 1 }));
        const before = await collect(store.readAll({ limit: 2 }));
        expect(before[0]).toEqual(first);
        expect(comparePositions(first!.position, (await store.head())!)).toBeLessThanOrEqual(0);
      });

      it('stops reading when the reader stops', async () => {
        const stream = newStream();
        await append(stream, eventsFor(stream, 10), 'noStream');
        const seen: number[] = [];
        for await (const event of store.readAll({ filter: { streamPrefixes: [stream] } })) {
          seen.push(event.revision);
          if (seen.length === 3) break;
        }
        expect(seen).toEqual([0, 1, 2]);
      });
    });

    describe('positions', () => {
      it('compare as strings in the order of the events, up to the head', async () => {
        const stream = newStream();
        await append(stream, eventsFor(stream, 12), 'noStream');
        const positions = (await read(stream)).map((event) => event.position);
        expect([...positions].sort()).toEqual(positions);
        expect([...positions].sort(comparePositions)).toEqual(positions);
        expect(new Set(positions).size).toBe(12);
        expect(await store.head()).toBe(positions.at(-1));
      });

      it('are known by every client of the store', async () => {
        const stream = newStream();
        const { position } = await append(stream, eventsFor(stream, 1), 'noStream');
        const other = await another();
        expect(() => other.assertPosition(position)).not.toThrow();
        expect(await other.head()).toBe(position);
        expect((await collect(other.readStream(stream)))[0]?.position).toBe(position);
      });

      it('tell which event is there', async () => {
        const stream = newStream();
        const events = eventsFor(stream, 3);
        const { position } = await append(stream, events, 'noStream');
        const [first] = await read(stream);
        expect(await store.eventIdAt(first!.position)).toBe(events[0]!.metadata.eventId);
        expect(await store.eventIdAt(position)).toBe(events[2]!.metadata.eventId);
        const beyond = position.replace(/\d{20}/g, '9'.repeat(17).padStart(20, '0'));
        expect(await store.eventIdAt(beyond)).toBeUndefined();
      });

      it('tell how many events come after, up to a number', async () => {
        const stream = newStream();
        await append(stream, eventsFor(stream, 12), 'noStream');
        const positions = (await read(stream)).map((event) => event.position);
        expect(await store.countAfter(positions[11], 10)).toBe(0);
        expect(await store.countAfter(positions[4], 10)).toBe(7);
        expect(await store.countAfter(positions[4], 5)).toBe(5);
        expect(await store.countAfter(undefined, 12)).toBe(12);
      });

      it('of another store, or of none, are refused everywhere', async () => {
        const stream = newStream();
        const { position } = await append(stream, eventsFor(stream, 1), 'noStream');
        const otherStore = position.replace(/.(?=\.)/, (last) => (last === '0' ? '1' : '0'));
        const signal = new AbortController().signal;
        for (const foreign of [otherStore, '', '0', 'start', `${position}0`, position.slice(0, -1), `${position} `]) {
          expect(() => store.assertPosition(foreign)).toThrow(ForeignPosition);
          const read = async () => collect(store.readAll({ after: foreign }));
          const follow = async () => collect(store.subscribeAll({ after: foreign, signal }));
          await expect(read()).rejects.toBeInstanceOf(ForeignPosition);
          await expect(store.eventIdAt(foreign)).rejects.toBeInstanceOf(ForeignPosition);
          await expect(follow()).rejects.toBeInstanceOf(ForeignPosition);
        }
      });
    });

    describe('a subscription', () => {
      it('hands over history, says when it has caught up, and goes on live', async () => {
        const stream = newStream();
        const filter = { streamPrefixes: [stream] };
        await append(stream, eventsFor(stream, 3), 'noStream');
        const follower = new Follower(store, { filter });
        await follower.until((self) => self.isCaughtUp);
        expect(revisionsOf(follower.events)).toEqual([0, 1, 2]);
        await append(stream, eventsFor(stream, 2), 2);
        await follower.until((self) => self.events.length === 5);
        await follower.stop();
        expect(revisionsOf(follower.events)).toEqual(upTo(5));
        expect(follower.events).toEqual(await read(stream));
        const beforeCaughtUp = follower.items.slice(0, follower.items.findIndex((item) => item.kind === 'caughtUp'));
        expect(beforeCaughtUp.filter((item) => item.kind === 'event')).toHaveLength(3);
      }, 30_000);

      it('starts after the position it is given', async () => {
        const stream = newStream();
        await append(stream, eventsFor(stream, 4), 'noStream');
        const after = (await read(stream))[1]!.position;
        const follower = new Follower(store, { after });
        await follower.until((self) => self.isCaughtUp);
        await follower.stop();
        expect(revisionsOf(follower.events.filter((event) => event.stream === stream))).toEqual([2, 3]);
      }, 30_000);

      it('is woken by what another client appends', async () => {
        const stream = newStream();
        const other = await another();
        const follower = new Follower(store, { after: await store.head() });
        await follower.until((self) => self.isCaughtUp);
        await other.append(stream, eventsFor(stream, 2), { expectedRevision: 'noStream' });
        await follower.until((self) => self.events.length === 2);
        await follower.stop();
        expect(revisionsOf(follower.events)).toEqual([0, 1]);
      }, 30_000);

      it('passes checkpoints over stretches where nothing matches, to resume from', async () => {
        const [matching, noise] = [newStream(), newStream()];
        const filter = { streamPrefixes: [matching] };
        const follower = new Follower(store, { after: await store.head(), filter });
        await follower.until((self) => self.isCaughtUp);
        const first = await append(noise, eventsFor(noise, 1), 'noStream');
        for (let at = first.revision; (follower.checkpoint ?? '') < first.position; await delay(10)) {
          at = (await append(noise, eventsFor(noise, 100), at)).revision;
        }
        await follower.stop();
        expect(follower.events).toEqual([]);

        await append(matching, eventsFor(matching, 2), 'noStream');
        const resumed = new Follower(store, { after: follower.checkpoint, filter });
        await resumed.until((self) => self.events.length === 2);
        await resumed.stop();
        expect(revisionsOf(resumed.events)).toEqual([0, 1]);
      }, 60_000);

      it('ends without an error when its signal aborts, idle or in the middle', async () => {
        const stream = newStream();
        await append(stream, eventsFor(stream, 50), 'noStream');
        const idle = new Follower(store, { after: await store.head() });
        await idle.until((self) => self.isCaughtUp);
        await idle.stop();

        const abort = new AbortController();
        const seen: SubscriptionItem[] = [];
        for await (const item of store.subscribeAll({ filter: { streamPrefixes: [stream] }, signal: abort.signal })) {
          seen.push(item);
          if (seen.length === 2) abort.abort();
        }
        expect(seen).toHaveLength(2);
        const aborted = store.subscribeAll({ signal: AbortSignal.abort() });
        expect(await collect(aborted)).toEqual([]);
      }, 30_000);

      it('ends when its reader returns while it waits for the next event', async () => {
        const signal = new AbortController().signal;
        const items = store.subscribeAll({ after: await store.head(), signal })[Symbol.asyncIterator]();
        for (let item = await items.next(); !item.done && item.value.kind !== 'caughtUp';) item = await items.next();
        const waiting = items.next();
        await items.return?.();
        expect((await waiting).done).toBe(true);
      }, 30_000);
    });

    describe('under concurrent writers', () => {
      it('keeps one global order for whoever follows: each stream in its own order, nothing skipped, nothing twice', async () => {
        const category = newCategory();
        const filter = { streamPrefixes: [`${category}-`] };
        const other = await another();
        const followers = [
          new Follower(store, { filter }), new Follower(other, { filter }), new Follower(other, { after: await store.head() }),
        ];
        const streams = upTo(40).map(() => newStream(category));
        const appendsEach = 30;
        await Promise.all(streams.map(async (stream, index) => {
          const client = index % 2 ? other : store;
          let at: ExpectedRevision = 'noStream';
          for (const round of upTo(appendsEach)) {
            at = (await client.append(stream, eventsFor(stream, 1 + (round + index) % 3), { expectedRevision: at })).revision;
          }
        }));
        const inOrder = await collect(store.readAll({ filter }));
        for (const follower of followers) await follower.until((self) => self.events.length >= inOrder.length);
        await Promise.all(followers.map((follower) => follower.stop()));

        const positions = inOrder.map((event) => event.position);
        expect([...new Set(positions)].sort(comparePositions)).toEqual(positions);
        for (const stream of streams) {
          const own = inOrder.filter((event) => event.stream === stream);
          expect(revisionsOf(own)).toEqual(upTo(own.length));
          expect(own.length).toBeGreaterThanOrEqual(appendsEach);
        }
        for (const follower of followers) {
          expect(follower.events.map((event) => event.position)).toEqual(positions);
          expect(follower.positions).toEqual([...new Set(follower.positions)].sort(comparePositions));
        }
      }, 120_000);
    });

    (canKillServer ? describe : describe.skip)('when its server is killed and comes back', () => {
      const outage = () => {
        const { killServer, restartServer } = tested;
        if (!killServer || !restartServer) throw new Error('A store whose outages are tested needs killServer and restartServer');
        return { killServer, restartServer };
      };

      it('says that it is down, refuses with StoreUnavailable, and recovers by itself', async () => {
        const { killServer, restartServer } = outage();
        const stream = newStream();
        const events = eventsFor(stream, 2);
        await killServer();
        await expect(append(stream, events, 'noStream')).rejects.toBeInstanceOf(StoreUnavailable);
        await expect(read(stream)).rejects.toBeInstanceOf(StoreUnavailable);
        await expect(collect(store.readAll({ limit: 1 }))).rejects.toBeInstanceOf(StoreUnavailable);
        await expect(store.head()).rejects.toBeInstanceOf(StoreUnavailable);
        expect(store.health()).toMatchObject({ status: 'down', reason: expect.any(String) });
        await restartServer();
        const first = await insist(() => append(stream, events, 'noStream'));
        expect(await append(stream, events, 'noStream')).toEqual(first);
        expect(store.health()).toEqual({ status: 'up' });
        expect(idsOf(await read(stream))).toEqual(idsOf(events));
      }, 120_000);

      it('keeps what it acknowledged, once, however often a writer has to ask', async () => {
        const { killServer, restartServer } = outage();
        const category = newCategory();
        const filter = { streamPrefixes: [`${category}-`] };
        const follower = new Follower(store, { filter });
        await follower.until((self) => self.isCaughtUp);
        const streams = upTo(16).map(() => newStream(category));
        const acknowledged = new Map<string, string[]>(streams.map((stream) => [stream, []]));
        let serverWasBack = false;
        const writers = streams.map(async (stream) => {
          let at: ExpectedRevision = 'noStream';
          let afterwards = 0;
          while (afterwards < 5) {
            const events = eventsFor(stream, 2);
            const expectedRevision: ExpectedRevision = at;
            at = (await insist(() => append(stream, events, expectedRevision))).revision;
            acknowledged.get(stream)?.push(...idsOf(events));
            if (serverWasBack) afterwards += 1;
          }
        });
        await follower.until((self) => self.events.length > 100);
        await killServer();
        await restartServer();
        serverWasBack = true;
        await Promise.all(writers);

        for (const stream of streams) expect(idsOf(await read(stream))).toEqual(acknowledged.get(stream));
        const log = await collect(store.readAll({ filter }));
        await follower.until((self) => self.events.length >= log.length);
        await follower.stop();
        expect(follower.events.map((event) => event.position)).toEqual(log.map((event) => event.position));
      }, 120_000);

      it('lets go of a subscriber that gives up during the outage', async () => {
        const { killServer, restartServer } = outage();
        const follower = new Follower(store, { after: await store.head() });
        await follower.until((self) => self.isCaughtUp);
        await killServer();
        await delay(300);
        await follower.stop();
        await restartServer();
        await insist(async () => append(newStream(), [], 'noStream'));
      }, 120_000);
    });
  });
}
