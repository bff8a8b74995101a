import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import {
  ANY, BACKWARDS, DeadlineExceededError, END, EventStoreDBClient, FORWARDS, jsonEvent, MaxAppendSizeExceededError, NO_STREAM,
  START, STREAM_EXISTS, StreamDeletedError, StreamNotFoundError, streamNameFilter, UnavailableError, WrongExpectedVersionError,
  type AllStreamSubscription, type AppendResult, type AppendToStreamOptions, type Position,
} from '@eventstore/db-client';
import { randomUUID } from 'node:crypto';
import { openEventStoreDb } from '@peerbridge/event-store/eventstoredb';
import { assertHoldsNoDeployment } from '../../libs/event-store/contract.js';
import { startEventStoreDouble, type EventStoreDouble } from '../support/eventstoredb-double.js';

/*
 * What a real EventStoreDB 23.10 was seen to answer, asked through the bare client: so that the double is worth testing
 * against. With EVENTSTOREDB_URL the same is asked of a real server.
 */

const newStream = (): string => `doubleTest${randomUUID().replaceAll('-', '')}-1`;
const anEvent = (bytes = 10) => jsonEvent({ type: 'Tested', data: { text: 'x'.repeat(bytes) } });
const events = (count: number) => Array.from({ length: count }, () => anEvent());

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

async function failure(attempt: Promise<unknown>): Promise<Error> {
  return attempt.then(() => new Error('It did not fail'), (error: Error) => error);
}

async function eventually(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!await condition()) await new Promise((resolve) => setTimeout(resolve, 10));
}

/** Writes down what a subscription does. */
function follow(subscription: AllStreamSubscription) {
  const seen = { revisions: [] as bigint[], caughtUp: 0, errors: [] as Error[] };
  subscription
    .on('data', (resolved) => void (resolved.event && seen.revisions.push(resolved.event.revision)))
    .on('caughtUp', () => void (seen.caughtUp += 1))
    .on('error', (error) => void seen.errors.push(error));
  return seen;
}

interface ServerUnderTest {
  connectionString: string;
  close(): Promise<void>;
}

function answersLikeEventStoreDb(name: string, start: () => Promise<ServerUnderTest>): void {
  describe(`${name}, through the bare client`, () => {
    let server: ServerUnderTest;
    let client: EventStoreDBClient;
    beforeAll(async () => {
      server = await start();
      client = EventStoreDBClient.connectionString(server.connectionString);
    });
    afterAll(async () => {
      await client.dispose();
      await server.close();
    });
    const readAll = (stream: string) => collect(client.readStream(stream));
    const revisions = async (stream: string, options = {}) =>
      (await collect(client.readStream(stream, options))).map(({ event }) => event?.revision);

    // Credentials make the client use the older call: the same answers are expected of it.
    describe.each<[string, AppendToStreamOptions]>([
      ['a batch append', {}], ['the older append', { credentials: { username: 'admin', password: 'changeit' } }],
    ])('to %s', (_, call) => {
      type Expected = AppendToStreamOptions['expectedRevision'];
      const append = (stream: string, batch: ReturnType<typeof events>, expectedRevision: Expected) =>
        client.appendToStream(stream, batch, { ...call, expectedRevision });
      const position: unknown = { commit: expect.any(BigInt), prepare: expect.any(BigInt) };

      it('answers with the revision and position of the last event', async () => {
        expect(await append(newStream(), events(2), NO_STREAM)).toEqual({ success: true, nextExpectedRevision: 1n, position });
      });

      it('refuses another expected revision with the actual one and an empty message', async () => {
        const stream = newStream();
        await append(stream, events(2), NO_STREAM);
        for (const expectedVersion of [NO_STREAM, 7n] as const) {
          const error = await failure(append(stream, events(1), expectedVersion));
          expect(error).toBeInstanceOf(WrongExpectedVersionError);
          expect(error).toMatchObject({ type: 'wrong-expected-version', actualVersion: 1n, expectedVersion, message: '' });
        }
        expect(await failure(append(newStream(), events(1), STREAM_EXISTS))).toMatchObject({ actualVersion: 'no_stream' });
      });

      it('answers the same ids at the same revision with the first result, also after later events', async () => {
        const stream = newStream();
        const batch = events(2);
        const first = await append(stream, batch, NO_STREAM);
        expect(await append(stream, batch, NO_STREAM)).toEqual(first);
        await append(stream, events(3), 1n);
        expect(await append(stream, batch, NO_STREAM)).toEqual(first);
      });

      it('takes the first half of an earlier batch for a repeat, and refuses one that overlaps', async () => {
        const stream = newStream();
        const batch = events(4);
        await append(stream, batch, NO_STREAM);
        const half = await append(stream, batch.slice(0, 2), NO_STREAM);
        expect(half).toMatchObject({ success: true, nextExpectedRevision: 1n });
        expect(half.position).toEqual((await readAll(stream))[1]?.event?.position);
        expect(await failure(append(stream, [...batch.slice(3), anEvent()], 2n))).toBeInstanceOf(WrongExpectedVersionError);
      });

      it('stores an id again at the next revision, or in another stream', async () => {
        const stream = newStream();
        const batch = events(1);
        await append(stream, batch, NO_STREAM);
        expect(await append(stream, batch, 0n)).toMatchObject({ nextExpectedRevision: 1n });
        expect(await append(newStream(), batch, NO_STREAM)).toMatchObject({ nextExpectedRevision: 0n });
      });

      it('lets one of 16 writers win', async () => {
        const stream = newStream();
        const outcomes = await Promise.allSettled(Array.from({ length: 16 }, () => append(stream, events(1), NO_STREAM)));
        const losers = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason as unknown] : []));
        expect(losers).toHaveLength(15);
        for (const loser of losers) expect(loser).toBeInstanceOf(WrongExpectedVersionError);
      });

      it('stores what arrives several times at once a single time, and may tell nobody before its commit timeout', async () => {
        const stream = newStream();
        const batch = events(2);
        const outcomes = await Promise.allSettled(Array.from({ length: 5 }, () => append(stream, batch, NO_STREAM)));
        const first = await append(stream, batch, NO_STREAM);
        for (const outcome of outcomes) {
          if (outcome.status === 'fulfilled') expect(outcome.value).toEqual(first);
          else expect(outcome.reason).toBeInstanceOf(DeadlineExceededError);
        }
        expect(await readAll(stream)).toHaveLength(2);
      });

      it('accepts an append of nothing', async () => {
        const stream = newStream();
        await append(stream, events(1), NO_STREAM);
        expect(await append(stream, [], 0n)).toMatchObject({ success: true });
        expect(await readAll(stream)).toHaveLength(1);
      });

      it('refuses more than 1 MiB, in one event or in a batch', async () => {
        for (const batch of [[anEvent(1_048_577)], [anEvent(600_000), anEvent(600_000)]]) {
          const error = await failure(append(newStream(), batch, NO_STREAM));
          expect(error).toBeInstanceOf(MaxAppendSizeExceededError);
          expect(error).toMatchObject({ maxAppendSize: 1_048_576 });
        }
      });
    });

    it('finds a repeat at ANY as long as it remembers', async () => {
      const stream = newStream();
      const batch = events(1);
      await client.appendToStream(stream, batch, { expectedRevision: ANY });
      await client.appendToStream(stream, batch, { expectedRevision: ANY });
      expect(await readAll(stream)).toHaveLength(1);
    });

    it('says success: false where the connection string asks for it, with a revision that means nothing', async () => {
      const separator = server.connectionString.includes('?') ? '&' : '?';
      const quiet = EventStoreDBClient.connectionString(`${server.connectionString}${separator}throwOnAppendFailure=false`);
      const stream = newStream();
      await quiet.appendToStream(stream, events(3), { expectedRevision: NO_STREAM });
      expect(await quiet.appendToStream(stream, events(1), { expectedRevision: NO_STREAM }))
        .toMatchObject({ success: false, nextExpectedRevision: 1n });
      await quiet.dispose();
    });

    it('reads forwards and backwards, from a revision, up to a count', async () => {
      const stream = newStream();
      await client.appendToStream(stream, events(5), { expectedRevision: NO_STREAM });
      expect(await revisions(stream, { direction: FORWARDS, fromRevision: 1n, maxCount: 2 })).toEqual([1n, 2n]);
      expect(await revisions(stream, { direction: BACKWARDS, fromRevision: END, maxCount: 2 })).toEqual([4n, 3n]);
      expect(await revisions(stream, { direction: BACKWARDS, fromRevision: 2n })).toEqual([2n, 1n, 0n]);
      expect(await revisions(stream, { fromRevision: 9n })).toEqual([]);
    });

    it('says on the first next() that a stream does not exist', async () => {
      const read = client.readStream(newStream())[Symbol.asyncIterator]();
      expect(await failure(read.next())).toBeInstanceOf(StreamNotFoundError);
    });

    it('goes on with the old revisions after a soft delete', async () => {
      const stream = newStream();
      await client.appendToStream(stream, events(3), { expectedRevision: NO_STREAM });
      await client.deleteStream(stream);
      expect(await failure(readAll(stream))).toBeInstanceOf(StreamNotFoundError);
      const { nextExpectedRevision } = await client.appendToStream(stream, events(1), { expectedRevision: NO_STREAM });
      expect(nextExpectedRevision).toBe(3n);
      expect(await revisions(stream)).toEqual([3n]);
    });

    it('neither reads nor takes anything after a tombstone', async () => {
      const stream = newStream();
      await client.appendToStream(stream, events(1), { expectedRevision: NO_STREAM });
      await client.tombstoneStream(stream);
      expect(await failure(readAll(stream))).toBeInstanceOf(StreamDeletedError);
      const append = client.appendToStream(stream, events(1), { expectedRevision: 0n });
      expect(await failure(append)).toBeInstanceOf(StreamDeletedError);
    });

    it('honours $maxCount and $maxAge at once', async () => {
      const stream = newStream();
      await client.appendToStream(stream, events(5), { expectedRevision: NO_STREAM });
      await client.setStreamMetadata(stream, { maxCount: 2 });
      expect(await revisions(stream)).toEqual([3n, 4n]);
      await client.setStreamMetadata(stream, { maxAge: 1 });
      await eventually(async () => (await readAll(stream)).length === 0);
      expect(await client.getStreamMetadata(stream)).toMatchObject({ metadata: { maxAge: 1 } });
    });

    it('subscribes to $all by prefix: history, caughtUp, then live', async () => {
      const stream = newStream();
      await client.appendToStream(stream, events(3), { expectedRevision: NO_STREAM });
      const subscription = client.subscribeToAll({ fromPosition: START, filter: streamNameFilter({ prefixes: [stream] }) });
      const seen = follow(subscription);
      await eventually(() => seen.caughtUp === 1);
      expect(seen.revisions).toEqual([0n, 1n, 2n]);
      await client.appendToStream(stream, events(2), { expectedRevision: 2n });
      await eventually(() => seen.revisions.length === 5);
      await subscription.unsubscribe();
      expect(seen.errors).toEqual([]);
    });

    it('tells a filtered subscription how far it has looked, and resumes after that', async () => {
      const [noise, wanted] = [newStream(), newStream()];
      await client.appendToStream(noise, events(100), { expectedRevision: NO_STREAM });
      await client.appendToStream(wanted, events(2), { expectedRevision: NO_STREAM });
      const checkpoints: Position[] = [];
      const filter = streamNameFilter({
        prefixes: [wanted], maxSearchWindow: 10, checkpointInterval: 2,
        checkpointReached: (_subscription, position) => void checkpoints.push(position),
      });
      const subscription = client.subscribeToAll({ filter });
      const seen = follow(subscription);
      await eventually(() => seen.caughtUp === 1);
      await subscription.unsubscribe();
      expect(checkpoints.length).toBeGreaterThanOrEqual(100 / (10 * 2));

      const resumed = client.subscribeToAll({ fromPosition: (await readAll(wanted))[0]!.event!.position!, filter });
      const seenAfter = follow(resumed);
      await eventually(() => seenAfter.caughtUp === 1);
      await resumed.unsubscribe();
      expect(seenAfter.revisions).toEqual([1n]);
    });
  });
}

answersLikeEventStoreDb('The double of EventStoreDB', startEventStoreDouble);

const connectionString = process.env.EVENTSTOREDB_URL;
if (connectionString) {
  answersLikeEventStoreDb('EventStoreDB', async () => {
    const store = await openEventStoreDb({ connectionString });
    await assertHoldsNoDeployment(store).finally(() => store.close());
    return { connectionString, close: async () => {} };
  });
}

describe('The double of EventStoreDB, killed', () => {
  let double: EventStoreDouble;
  let client: EventStoreDBClient;
  beforeAll(async () => {
    double = await startEventStoreDouble();
    client = EventStoreDBClient.connectionString(double.connectionString);
  });
  afterAll(async () => {
    await client.dispose();
    await double.close();
  });
  const append = (stream: string, batch = events(1)): Promise<AppendResult> =>
    client.appendToStream(stream, batch, { expectedRevision: NO_STREAM });

  it('ends a subscription with one UnavailableError, refuses calls, and is found again by the next append only', async () => {
    const stream = newStream();
    await append(stream);
    const seen = follow(client.subscribeToAll());
    await eventually(() => seen.caughtUp === 1);
    const before = seen.revisions.length;

    await double.kill();
    await eventually(() => seen.errors.length > 0);
    expect(await failure(append(newStream()))).toMatchObject({ code: 14 });
    expect(await failure(collect(client.readStream(stream)))).toBeInstanceOf(UnavailableError);

    await double.restart();
    expect(await append(newStream())).toMatchObject({ success: true });
    expect(await collect(client.readStream(stream))).toHaveLength(1);
    expect(seen).toMatchObject({ errors: [expect.any(UnavailableError)] });
    expect(seen.revisions).toHaveLength(before);
  });

  it('may have written what it did not acknowledge: the same append again is safe', async () => {
    const stream = newStream();
    const batch = events(2);
    double.dieBeforeAnsweringNextAppend();
    expect(await failure(append(stream, batch))).toBeInstanceOf(UnavailableError);
    await double.restart();
    expect(await append(stream, batch)).toMatchObject({ success: true, nextExpectedRevision: 1n });
    expect(await collect(client.readStream(stream))).toHaveLength(2);
  });

  it('forgets what it saw at ANY', async () => {
    const stream = newStream();
    const batch = events(1);
    await client.appendToStream(stream, batch, { expectedRevision: ANY });
    await append(newStream(), events(1_000));
    await client.appendToStream(stream, batch, { expectedRevision: ANY });
    expect(await collect(client.readStream(stream))).toHaveLength(2);
  });

  it('says (-1, -1), as a client reads it, where a filtered subscription goes live before its first checkpoint', async () => {
    const checkpoints: Position[] = [];
    const filter = streamNameFilter({
      prefixes: [newStream()], maxSearchWindow: 10_000, checkpointReached: (_, position) => void checkpoints.push(position),
    });
    const subscription = client.subscribeToAll({ filter });
    const seen = follow(subscription);
    await eventually(() => seen.caughtUp === 1);
    await subscription.unsubscribe();
    const beyond = 2n ** 64n - 1n;
    expect(checkpoints).toEqual([{ commit: beyond, prepare: beyond }]);
  });

  it('says where it has looked although no event is there', async () => {
    await append(newStream(), events(20));
    const checkpoints: Position[] = [];
    const filter = streamNameFilter({
      prefixes: [newStream()], maxSearchWindow: 10, checkpointReached: (_, position) => void checkpoints.push(position),
    });
    const subscription = client.subscribeToAll({ filter });
    const seen = follow(subscription);
    await eventually(() => seen.caughtUp === 1);
    await subscription.unsubscribe();
    const positions = (await collect(client.readAll())).map(({ event }) => event?.position?.commit);
    expect(checkpoints.length).toBeGreaterThan(1);
    for (const { commit } of checkpoints) expect(positions).not.toContain(commit);
  });

  it('is found by gossip as well', async () => {
    const discovering = EventStoreDBClient.connectionString(double.connectionString.replace('esdb:', 'esdb+discover:'));
    const stream = newStream();
    expect(await discovering.appendToStream(stream, events(1), { expectedRevision: NO_STREAM })).toMatchObject({ success: true });
    await discovering.dispose();
  });
});
