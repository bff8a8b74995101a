import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { ANY, EventStoreDBClient, jsonEvent } from '@eventstore/db-client';
import { status } from '@grpc/grpc-js';
import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { capabilities } from '@peerbridge/care';
import {
  ForeignPosition, StoreRefuses, StoreUnavailable, StreamDeleted, type EventStore, type ExpectedRevision,
} from '@peerbridge/event-store';
import { openEventStoreDb, type EventStoreDbOptions } from '@peerbridge/event-store/eventstoredb';
import { anEvent, assertHoldsNoDeployment, eventStoreContract } from '../../libs/event-store/contract.js';
import { startEventStoreDouble, type EventStoreDouble, type EventStoreDoubleOptions } from '../support/eventstoredb-double.js';

const byGossip = ({ connectionString }: EventStoreDouble): string => connectionString.replace('esdb:', 'esdb+discover:');

for (const [name, connectionStringOf] of [
  ['protocol double', (server: EventStoreDouble) => server.connectionString], ['protocol double, found by gossip', byGossip],
] as const) {
  eventStoreContract(`EventStoreDB (${name})`, async () => {
    const server = await startEventStoreDouble();
    const open = () => openEventStoreDb({ connectionString: connectionStringOf(server) });
    const store = await open();
    return {
      store,
      another: open,
      killServer: server.kill,
      restartServer: server.restart,
      close: async () => {
        await store.close();
        await server.close();
      },
    };
  });
}

describe('The contract of event stores', () => {
  it('runs beside what an earlier run left, and not in the store of a deployment', async () => {
    const server = await startEventStoreDouble();
    const store = await openEventStoreDb(server);
    try {
      const append = (stream: string) => store.append(stream, [anEvent(stream)], { expectedRevision: 'noStream' });
      await append(`contractTest1-${randomUUID()}`);
      await assertHoldsNoDeployment(store);
      await append(`participant-${randomUUID()}`);
      await expect(assertHoldsNoDeployment(store)).rejects.toThrow('The contract writes to an event store of its own.');
    } finally {
      await store.close();
      await server.close();
    }
  });

  it('writes events about nobody, of a type that no capability has, so that no person\'s projection stops at them', () => {
    const known = capabilities.flatMap(({ streams }) => streams.flatMap((stream) => stream.events.map(({ type }) => type)));
    const { metadata } = anEvent(`contractTest1-${randomUUID()}`);
    expect(metadata.participantId).toBeUndefined();
    expect(known).not.toContain(metadata.type);
  });
});

const connectionString = process.env.EVENTSTOREDB_URL;
if (connectionString) {
  eventStoreContract('EventStoreDB', async () => {
    const store = await openEventStoreDb({ connectionString });
    return { store, another: () => openEventStoreDb({ connectionString }), close: () => store.close() };
  }, { canKillServer: false });
} else {
  it.skip('EventStoreDB, as an event store: set EVENTSTOREDB_URL to run the contract over a real server', () => {});
}

describe('The EventStoreDB adapter', () => {
  let server: EventStoreDouble;
  let store: EventStore;
  let bare: EventStoreDBClient;
  beforeEach(async () => {
    server = await startEventStoreDouble();
    store = await openEventStoreDb(server);
    bare = EventStoreDBClient.connectionString(server.connectionString);
  });
  afterEach(async () => {
    await bare.dispose();
    for (const one of others.splice(0).reverse()) await one.close();
    await store.close();
    await server.close();
  });
  /** Closed after the test, the last one first. */
  const others: { close(): Promise<void> }[] = [];
  const open = async (connectionString: string, log?: EventStoreDbOptions['log']): Promise<EventStore> => {
    const one = await openEventStoreDb({ connectionString, ...(log && { log }) });
    others.push(one);
    return one;
  };
  const startServer = async (options: EventStoreDoubleOptions = {}): Promise<EventStoreDouble> => {
    const one = await startEventStoreDouble(options);
    others.push(one);
    return one;
  };

  const newStream = (): string => `adapterTest-${randomUUID()}`;
  const events = (stream: string, count: number, text = '') =>
    Array.from({ length: count }, () => anEvent(stream, {}, { open: { text }, sealed: {} }));
  const insist = async <Result>(attempt: () => Promise<Result>): Promise<Result> => {
    for (;;) {
      try {
        return await attempt();
      } catch (error) {
        if (!(error instanceof StoreUnavailable)) throw error;
        await delay(10);
      }
    }
  };
  const streamsOf = async (items: AsyncIterable<{ stream: string }>): Promise<string[]> => {
    const streams: string[] = [];
    for await (const { stream } of items) streams.push(stream);
    return streams;
  };

  it('shows its readers neither what the server wrote nor what other programs wrote there', async () => {
    const [ours, theirs] = [newStream(), newStream()];
    expect(await store.head()).toBeUndefined();
    const { position } = await store.append(ours, events(ours, 1), { expectedRevision: 'noStream' });
    await bare.appendToStream(theirs, jsonEvent({ type: 'Foreign', data: {} }), { expectedRevision: ANY });
    await bare.setStreamMetadata(theirs, { maxCount: 10 });
    await bare.tombstoneStream(theirs);

    expect(await streamsOf(store.readAll())).toEqual([ours]);
    expect(await store.head()).toBe(position);
    const stop = new AbortController();
    const items = [];
    for await (const item of store.subscribeAll({ signal: stop.signal })) {
      items.push(item.kind === 'event' ? item.event.stream : item.kind);
      if (item.kind === 'caughtUp') stop.abort();
    }
    expect(items).toEqual([ours, 'caughtUp']);
  });

  it('closes at once, though a reader stopped after the server had said all', async () => {
    const stream = newStream();
    const closing = await openEventStoreDb(server);
    // More than is taken ahead for the reader; all the others fit into the connection's own room.
    await closing.append(stream, events(stream, 40), { expectedRevision: 'noStream' });
    for await (const _ of closing.readAll()) {
      while (server.eventsSent() < 40) await delay(10);
      await delay(200);
      break;
    }
    expect(await Promise.race([closing.close().then(() => 'closed'), delay(2_000, 'waits')])).toBe('closed');
  });

  it('says of a tombstoned stream that it was deleted', async () => {
    const stream = newStream();
    await store.append(stream, events(stream, 1), { expectedRevision: 'noStream' });
    await bare.tombstoneStream(stream);
    await expect(streamsOf(store.readStream(stream))).rejects.toBeInstanceOf(StreamDeleted);
    await expect(store.append(stream, events(stream, 1), { expectedRevision: 0 }))
      .rejects.toMatchObject({ name: 'StreamDeleted', stream });
  });

  it('gives the first result when an append that was written but not answered is repeated', async () => {
    const stream = newStream();
    const batch = events(stream, 2);
    server.dieBeforeAnsweringNextAppend();
    await expect(store.append(stream, batch, { expectedRevision: 'noStream' })).rejects.toBeInstanceOf(StoreUnavailable);
    await server.restart();
    expect((await store.append(stream, batch, { expectedRevision: 'noStream' })).revision).toBe(1);
    expect(await streamsOf(store.readStream(stream))).toHaveLength(2);
  });

  it('answers every one of many appends that a dying server leaves behind', async () => {
    const opening = newStream();
    await store.append(opening, events(opening, 1), { expectedRevision: 'noStream' });
    const outcomes = Promise.allSettled(Array.from({ length: 400 }, async () => {
      const stream = newStream();
      return store.append(stream, events(stream, 1, 'x'.repeat(50_000)), { expectedRevision: 'noStream' });
    }));
    await delay(20);
    await server.kill();
    const refused = (await outcomes).flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason as unknown] : []));
    expect(refused.length).toBeGreaterThan(0);
    for (const reason of refused) expect(reason).toBeInstanceOf(StoreUnavailable);
  }, 30_000);

  it('says that it is up again when it is, without being used', async () => {
    const stream = newStream();
    await server.kill();
    await expect(store.append(stream, events(stream, 1), { expectedRevision: 'noStream' }))
      .rejects.toBeInstanceOf(StoreUnavailable);
    await server.restart();
    while (store.health().status === 'down') await delay(10);
  });

  it('follows again as soon as anybody has reached the server, however long it was going to wait', async () => {
    const stream = newStream();
    const stop = new AbortController();
    const items = store.subscribeAll({ signal: stop.signal })[Symbol.asyncIterator]();
    expect(await items.next()).toMatchObject({ value: { kind: 'caughtUp' } });
    const next = items.next();
    // Every back-off from now on lasts longer than the test may.
    const random = jest.spyOn(Math, 'random').mockReturnValue(100_000);
    await server.kill();
    while (store.health().status === 'up') await delay(10);
    await delay(100);
    random.mockRestore();
    await server.restart();
    await insist(() => store.append(stream, events(stream, 1), { expectedRevision: 'noStream' }));
    let item = await next;
    while (item.value?.kind !== 'event') item = await items.next();
    expect(item).toMatchObject({ value: { event: { stream } } });
    stop.abort();
  });

  it.each([
    ['everything', status.UNAUTHENTICATED, 'does not know this user, or not with this password'],
    ['readingAll', status.PERMISSION_DENIED, 'does not let this user read and write all streams'],
  ] as const)('says at once which server refuses %s, and what is wrong, but never the password', async (what, code, words) => {
    server.refuse(what, { code, details: 'Access Denied' });
    const refused = await open(server.connectionString.replace('//', '//me:hunter2@')).catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(StoreRefuses);
    expect(refused).toMatchObject({ message: expect.stringContaining(`EventStoreDB at 127.0.0.1:${server.port()} ${words}`) });
    expect((refused as Error).message).not.toMatch(/hunter2|me:/);
  });

  it('asks for a user where the server lets in nobody without', async () => {
    server.refuse('everything', { code: status.UNAUTHENTICATED, details: '' });
    await expect(open(server.connectionString)).rejects.toThrow('wants a user and a password');
  });

  it('says at once that it does not trust a certificate, and how it would', async () => {
    const { connectionString } = await startServer({ isUntrusted: true });
    await expect(open(connectionString)).rejects
      .toThrow(/certificate that is not trusted \(self-signed certificate\).*tlsCAFile/);
  }, 15_000);

  it.each(['kurrentdb:', 'kurrentdb+discover:'])('takes %s for what the server was called before', async (protocol) => {
    expect((await open(server.connectionString.replace('esdb:', protocol))).health()).toEqual({ status: 'up' });
  });

  it('waits for a server that is still starting', async () => {
    await server.kill();
    const opening = openEventStoreDb(server);
    await delay(100);
    await server.restart();
    const late = await opening;
    expect(late.health()).toEqual({ status: 'up' });
    await late.close();
  });

  it('holds the server back while a subscriber is slow', async () => {
    const stream = newStream();
    for (let at: ExpectedRevision = 'noStream'; at === 'noStream' || at < 2_000;) {
      at = (await store.append(stream, events(stream, 500, 'x'.repeat(500)), { expectedRevision: at })).revision;
    }
    const stop = new AbortController();
    const items = store.subscribeAll({ signal: stop.signal })[Symbol.asyncIterator]();
    await items.next();
    for (let sent = -1; sent !== server.eventsSent(); await delay(200)) sent = server.eventsSent();
    expect(server.eventsSent()).toBeLessThan(1_000);
    stop.abort();
    expect(await items.next()).toMatchObject({ done: true });
  }, 30_000);

  it('knows the positions of another server for foreign', async () => {
    const stream = newStream();
    const other = await open((await startServer()).connectionString);
    const { position } = await other.append(stream, events(stream, 1), { expectedRevision: 'noStream' });
    expect(() => store.assertPosition(position)).toThrow(ForeignPosition);
  });

  it('says where a stream is although the client was told not to', async () => {
    const stream = newStream();
    const quiet = await open(`${server.connectionString}&throwOnAppendFailure=false`);
    await quiet.append(stream, events(stream, 3), { expectedRevision: 'noStream' });
    await expect(quiet.append(stream, events(stream, 1), { expectedRevision: 0 }))
      .rejects.toMatchObject({ name: 'WrongExpectedRevision', actual: 2 });
  });

  it('agrees on one identity of the store with whoever opens it at the same time, whatever the client was told', async () => {
    const fresh = await startServer();
    const quiet = `${fresh.connectionString}&throwOnAppendFailure=false`;
    const stores = await Promise.all(Array.from({ length: 4 }, () => open(quiet)));
    const stream = newStream();
    const { position } = await stores[0]!.append(stream, events(stream, 1), { expectedRevision: 'noStream' });
    expect(await Promise.all(stores.map((one) => one.head()))).toEqual(stores.map(() => position));
  });

  it('appends whatever the clocks say', async () => {
    const ahead = await open((await startServer({ clockAheadMs: 3_600_000 })).connectionString);
    const stream = newStream();
    expect((await ahead.append(stream, events(stream, 1), { expectedRevision: 'noStream' })).revision).toBe(0);
  });

  it('appends to the new leader when its node has become a follower', async () => {
    const client = await open(server.connectionString);
    const stream = newStream();
    const batch = events(stream, 1);
    const append = () => client.append(stream, batch, { expectedRevision: 'noStream' });
    server.follow(await startServer({ eventLog: server.eventLog }));
    await expect(append()).rejects.toBeInstanceOf(StoreUnavailable);
    await server.kill();
    expect(await insist(append)).toMatchObject({ revision: 0 });
  });

  it.each<[string, (from: EventStore) => Promise<unknown>]>([
    ['a stream', (from) => streamsOf(from.readStream(newStream()))],
    ['all streams', (from) => streamsOf(from.readAll())],
    ['the head', (from) => from.head()],
  ])('does not read %s from a follower, which may lag behind', async (_, read) => {
    server.follow(await startServer({ eventLog: server.eventLog }));
    await expect(read(store)).rejects.toBeInstanceOf(StoreUnavailable);
    await server.kill();
    await read(store);
  });

  it('outlives an election of which gossip names no winner yet', async () => {
    const found = await open(byGossip(server));
    const stream = newStream();
    const append = () => found.append(stream, events(stream, 1), { expectedRevision: 'noStream' });
    const stop = new AbortController();
    const followed = found.subscribeAll({ signal: stop.signal })[Symbol.asyncIterator]();
    expect(await followed.next()).toMatchObject({ value: { kind: 'caughtUp' } });

    server.setElecting(true);
    await expect(append()).rejects.toBeInstanceOf(StoreUnavailable);
    await expect(found.head()).rejects.toBeInstanceOf(StoreUnavailable);
    // Looks for a leader while its old connection breaks, and finds none.
    const looking = [expect(append()).rejects.toBeInstanceOf(StoreUnavailable)];
    await delay(50);
    await server.kill();
    await server.restart();
    await Promise.all(looking);

    server.setElecting(false);
    await append();
    for (let item = await followed.next(); item.value?.kind !== 'event';) item = await followed.next();
    stop.abort();
  });

  it('survives an answer to an append that a broken connection to another server has made it give up', async () => {
    const elsewhere = await startServer();
    const other = await open(elsewhere.connectionString);
    const [ours, theirs] = [newStream(), newStream()];
    await other.append(theirs, events(theirs, 1), { expectedRevision: 'noStream' });
    const batch = events(ours, 1);
    const answer = server.holdAppendAnswers();
    const given = expect(store.append(ours, batch, { expectedRevision: 'noStream' })).rejects.toBeInstanceOf(StoreUnavailable);
    while ((await streamsOf(store.readStream(ours))).length === 0) await delay(10);
    await elsewhere.kill();
    await given;
    answer();
    expect(await store.append(ours, batch, { expectedRevision: 'noStream' })).toMatchObject({ revision: 0 });
  });

  it('takes no checkpoint for one that lies beyond every log', async () => {
    const stop = new AbortController();
    const items = store.subscribeAll({ signal: stop.signal })[Symbol.asyncIterator]();
    expect(await items.next()).toMatchObject({ value: { kind: 'caughtUp' } });
    await server.kill();
    await server.restart();
    const stream = newStream();
    await insist(() => store.append(stream, events(stream, 1), { expectedRevision: 'noStream' }));
    let item = await items.next();
    while (item.value?.kind === 'caughtUp') item = await items.next();
    expect(item).toMatchObject({ value: { kind: 'event', event: { stream } } });
    stop.abort();
  });

  it('follows again when it was too slow for the server, which is no outage', async () => {
    const warn = jest.fn();
    const watched = await open(server.connectionString, { info: () => {}, warn });
    const stop = new AbortController();
    const items = watched.subscribeAll({ signal: stop.signal })[Symbol.asyncIterator]();
    await items.next();
    const details = 'Operation timed out: Consumer too slow to handle event while live. Client resubscription required.';
    server.endSubscriptions({ code: status.ABORTED, details });
    expect(await items.next()).toMatchObject({ value: { kind: 'caughtUp' } });
    expect(warn).not.toHaveBeenCalled();
    stop.abort();
  });

  it.each([
    [status.UNKNOWN, 'Unexpected FilteredReadAllResult: InvalidPosition'],
    [status.INVALID_ARGUMENT, 'Trying to read from an invalid position.'],
    [status.PERMISSION_DENIED, 'Access Denied'],
  ])('tells its subscriber what asking again will not mend: %s %s', async (code, details) => {
    const signal = AbortSignal.timeout(10_000);
    const items = store.subscribeAll({ signal })[Symbol.asyncIterator]();
    await items.next();
    server.endSubscriptions({ code, details });
    await expect(items.next()).rejects.toMatchObject({ code });
    expect(store.health()).toEqual({ status: 'up' });
  });

  it('asks again where the server only says that something went wrong', async () => {
    const stop = new AbortController();
    const items = store.subscribeAll({ signal: stop.signal })[Symbol.asyncIterator]();
    await items.next();
    server.endSubscriptions({ code: status.UNKNOWN, details: 'Exception was thrown by handler.' });
    expect(await items.next()).toMatchObject({ value: { kind: 'caughtUp' } });
    stop.abort();
  });
});
