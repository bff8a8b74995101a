import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { ANY, EventStoreDBClient, jsonEvent } from '@eventstore/db-client';
import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import {
  ForeignPosition, StoreUnavailable, StreamDeleted, type EventStore, type ExpectedRevision,
} from '@peerbridge/event-store';
import { openEventStoreDb } from '@peerbridge/event-store/eventstoredb';
import { anEvent, eventStoreContract } from '../../libs/event-store/contract.js';
import { startEventStoreDouble, type EventStoreDouble } from '../support/eventstoredb-double.js';

// The double encodes every event it sends in JavaScript: on a busy machine that takes a while.
jest.setTimeout(60_000);

eventStoreContract('EventStoreDB (protocol double)', async () => {
  const server = await startEventStoreDouble();
  const open = () => openEventStoreDb(server);
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
    await store.close();
    await server.close();
  });

  const newStream = (): string => `adapterTest-${randomUUID()}`;
  const events = (stream: string, count: number, text = '') =>
    Array.from({ length: count }, () => anEvent(stream, {}, { open: { text }, sealed: {} }));
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
    const elsewhere = await startEventStoreDouble();
    const other = await openEventStoreDb(elsewhere);
    const { position } = await other.append(stream, events(stream, 1), { expectedRevision: 'noStream' });
    expect(() => store.assertPosition(position)).toThrow(ForeignPosition);
    await other.close();
    await elsewhere.close();
  });

  it('says where a stream is although the client was told not to', async () => {
    const stream = newStream();
    const quiet = await openEventStoreDb({ connectionString: `${server.connectionString}&throwOnAppendFailure=false` });
    await quiet.append(stream, events(stream, 3), { expectedRevision: 'noStream' });
    await expect(quiet.append(stream, events(stream, 1), { expectedRevision: 0 }))
      .rejects.toMatchObject({ name: 'WrongExpectedRevision', actual: 2 });
    await quiet.close();
  });
});
