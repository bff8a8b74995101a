import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { randomBytes, randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import type { EventStore, RecordedEvent, StoredEvent } from '@peerbridge/event-store';
import { PostgresEventStore } from '@peerbridge/event-store/postgres';
import { careEvents, Relay, type Publisher, type Topic } from '@peerbridge/messaging';
import { migrate } from '@peerbridge/platform';
import { PostgresCheckpointStore, runtimeMigrations, withLease } from '@peerbridge/projection';
import { seal } from '@peerbridge/vault';
import { anEvent } from '../libs/event-store/contract.js';
import { KafkaPublisher, WrongPartitionCount } from '../libs/messaging/kafka/kafka-publisher.js';
import { kafkaAvailable, startKafka, type KafkaServer } from './support/kafka.js';
import { deleteTopics, readTopic, topicSettings, type TopicMessage } from './support/kafka-reader.js';
import { createTestDatabase, type TestDatabase } from './support/postgres.js';

const PROTECTED = 'met-at-the-harbour';
const PEOPLE = 60;
const EVENTS = 3_000;

const upTo = (count: number): number[] => Array.from({ length: count }, (_, index) => index);

/** A contact on a stream of its own whose summary is sealed, as the log holds it. */
function sealedContact(participantId: string): StoredEvent {
  const event = anEvent(`peerContact-${randomUUID()}`, { participantId, type: 'PeerContactLogged', schemaVersion: 1 });
  const { eventId, type, schemaVersion } = event.metadata;
  const fields = seal('key-1', randomBytes(32), { eventId, type, schemaVersion, segment: 'peer' }, { summary: PROTECTED });
  return { ...event, data: { open: { modality: 'phone' }, sealed: { peer: fields } } };
}

/** An organization's event speaks of no person. */
function organizationRegistered(): StoredEvent {
  const { metadata, data } = anEvent(`organization-${randomUUID()}`, { type: 'OrganizationRegistered' });
  const { participantId: _, ...withoutPerson } = metadata;
  return { metadata: withoutPerson, data };
}

/** Of this run alone: the brokers may be others', too. */
const topic: Topic = { ...careEvents, name: `test.${randomUUID()}` };
const elsewhere = `test.${randomUUID()}`;

const describeWithKafka = kafkaAvailable() ? describe : describe.skip;

describeWithKafka('The relay, from PostgreSQL to Kafka', () => {
  let kafka: KafkaServer;
  let database: TestDatabase;
  let store: EventStore;

  beforeAll(async () => {
    [kafka, database] = await Promise.all([startKafka(), createTestDatabase()]);
    await migrate(database.pool, 'runtime', runtimeMigrations);
    store = await PostgresEventStore.open({ pool: database.pool });
  }, 300_000);
  afterAll(async () => {
    await store?.close();
    await database?.drop();
    if (kafka) await deleteTopics(kafka.brokers, [topic.name, elsewhere]);
    await kafka?.close();
  });

  /** A relay as a process of its own would run it; batches are small, so that an outage falls between some. */
  function startRelay() {
    const abort = new AbortController();
    const kafkaPublisher = new KafkaPublisher({ brokers: kafka.brokers, topics: [topic] });
    const publisher: Publisher = {
      publish: (messages) => kafkaPublisher.publish(messages.map((message) => ({ ...message, topic: topic.name }))),
      health: () => kafkaPublisher.health(),
      close: () => kafkaPublisher.close(),
    };
    const relay = new Relay({ store, publisher, checkpoints: new PostgresCheckpointStore(database.pool), batchSize: 40 });
    const connect = async (): Promise<pg.Client> => {
      const client = new pg.Client({ connectionString: database.url });
      await client.connect();
      return client;
    };
    const ended = withLease(connect, 'relay', abort.signal, (leased) => relay.run(leased));
    return {
      relay,
      stop: async () => {
        abort.abort();
        await ended;
        await publisher.close();
      },
    };
  }

  const until = async (condition: () => boolean | Promise<boolean>): Promise<void> => {
    while (!await condition()) await delay(20);
  };
  const isPublishedToTheEnd = async () =>
    (await new PostgresCheckpointStore(database.pool).load('relay'))?.position === await store.head();

  async function append(count: number, people: readonly string[]): Promise<void> {
    for (const nth of upTo(count / 10)) {
      await Promise.all(upTo(10).map((index) => {
        const participantId = people[(nth * 7 + index) % people.length]!;
        const event = index === 9 && nth % 10 === 0 ? organizationRegistered() : sealedContact(participantId);
        return store.append(event.metadata.stream, [event], { expectedRevision: 'noStream' });
      }));
    }
  }

  const publishedSoFar = async (): Promise<number> =>
    (await new PostgresCheckpointStore(database.pool).progress('relay')).published;

  async function log(): Promise<RecordedEvent[]> {
    const events: RecordedEvent[] = [];
    for await (const event of store.readAll()) events.push(event);
    return events;
  }

  it('publishes every event at least once, in order per person, though the broker is killed and the relay changes', async () => {
    const people = upTo(PEOPLE).map(() => randomUUID());
    await append(EVENTS / 3, people);

    const first = startRelay();
    await until(async () => await publishedSoFar() >= EVENTS / 10);
    // Only a broker of the tests' own is killed.
    await kafka.kill?.();
    await until(() => !kafka.kill || first.relay.status().status === 'down');
    await append(EVENTS / 3, people);
    await kafka.restart?.();
    const appending = append(EVENTS / 3, people);
    await until(async () => await publishedSoFar() >= EVENTS / 2);
    expect(first.relay.status().status).toBe('up');

    // Two at once: the second takes over when the first goes.
    const second = startRelay();
    await first.stop();
    const byTheFirst = await publishedSoFar();
    await appending;
    await until(isPublishedToTheEnd);
    expect(byTheFirst).toBeLessThan(EVENTS);
    expect(await publishedSoFar()).toBe(EVENTS);
    await second.stop();

    const published = await readTopic(kafka.brokers, topic.name);
    const events = await log();
    expect(events).toHaveLength(EVENTS);
    const firsts = firstOccurrences(published);
    expect(firsts).toHaveLength(EVENTS);
    const keyOf = ({ metadata, stream }: RecordedEvent): string => metadata.participantId ?? stream;
    expect(idsByKey(firsts.map((one) => [one.key, one.headers['ce_id']!])))
      .toEqual(idsByKey(events.map((event) => [keyOf(event), event.metadata.eventId])));
    expect(new Set(published.map(({ partition }) => partition)).size).toBeGreaterThan(6);
    for (const partitions of partitionsByKey(published).values()) expect(partitions.size).toBe(1);

    const byId = new Map(events.map((event) => [event.metadata.eventId, event]));
    for (const message of published) {
      const { metadata, data } = byId.get(message.headers['ce_id']!)!;
      expect(message.headers).toEqual({
        'content-type': 'application/json', ce_specversion: '1.0', ce_id: metadata.eventId, ce_source: '/peerbridge',
        ce_type: `peerbridge.${metadata.type}.v1`, ce_time: metadata.occurredAt,
      });
      expect(JSON.parse(message.value)).toEqual({ metadata, open: data.open, sealed: data.sealed });
    }
    expect(JSON.stringify(published)).not.toContain(PROTECTED);
  }, 300_000);

  it('takes the largest event that the store takes', async () => {
    const event = anEvent(`peerContact-${randomUUID()}`, {}, { open: { text: 'x'.repeat(1_047_000) }, sealed: {} });
    await store.append(event.metadata.stream, [event], { expectedRevision: 'noStream' });
    const { stop } = startRelay();
    await until(isPublishedToTheEnd);
    await stop();
    const published = await readTopic(kafka.brokers, topic.name);
    expect(published.some(({ headers }) => headers['ce_id'] === event.metadata.eventId)).toBe(true);
  });

  it('makes a topic that keeps every message for good', async () => {
    expect(await topicSettings(kafka.brokers, topic.name)).toMatchObject({
      'retention.ms': '-1', 'retention.bytes': '-1', 'cleanup.policy': 'delete',
    });
  });

  it('refuses a topic that was made with another number of partitions', async () => {
    const made = new KafkaPublisher({ brokers: kafka.brokers, topics: [{ name: elsewhere, partitions: 3 }] });
    await made.publish([]);
    await made.close();
    const publisher = new KafkaPublisher({ brokers: kafka.brokers, topics: [{ name: elsewhere, partitions: 12 }] });
    const message = { topic: elsewhere, key: 'ada', headers: {}, value: '{}' };
    await expect(publisher.publish([message])).rejects.toBeInstanceOf(WrongPartitionCount);
    expect(publisher.health()).toEqual({ status: 'down', reason: `Topic ${elsewhere} has 3 partitions, not 12` });
    await publisher.close();
    expect(await readTopic(kafka.brokers, elsewhere)).toEqual([]);
  });
});

function firstOccurrences(messages: readonly TopicMessage[]): TopicMessage[] {
  const seen = new Map<string, TopicMessage>();
  for (const message of messages) {
    const id = message.headers['ce_id']!;
    if (!seen.has(id)) seen.set(id, message);
  }
  return [...seen.values()];
}

function idsByKey(pairs: readonly (readonly [key: string, id: string])[]): Record<string, string[]> {
  const ids: Record<string, string[]> = {};
  for (const [key, id] of pairs) (ids[key] ??= []).push(id);
  return ids;
}

function partitionsByKey(messages: readonly TopicMessage[]): Map<string, Set<number>> {
  const partitions = new Map<string, Set<number>>();
  for (const { key, partition } of messages) partitions.set(key, (partitions.get(key) ?? new Set()).add(partition));
  return partitions;
}
