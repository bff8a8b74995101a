import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Kafka, logLevel, Partitioners } from 'kafkajs';
import type { StoredEvent } from '@peerbridge/event-store';
import { PostgresEventStore } from '@peerbridge/event-store/postgres';
import { careEvents, integrationEvent, Relay, type OutgoingMessage } from '@peerbridge/messaging';
import { migrate, openDatabase } from '@peerbridge/platform';
import { PostgresCheckpointStore, runtimeMigrations } from '@peerbridge/projection';
import { KafkaPublisher } from '../libs/messaging/kafka/kafka-publisher.js';
import { startKafka } from '../test/support/kafka.js';
import { readTopic, type TopicMessage } from '../test/support/kafka-reader.js';
import { keep, spread, type BenchResult } from './result.js';

const EVENTS = 20_000;
const PEOPLE = 500;
const BATCH_SIZE = 1_000;
const BARE_TOPIC = { name: 'bench.bare', partitions: careEvents.partitions };

/**
 * The relay, from PostgreSQL to Kafka, against a bare kafkajs producer that has the same messages ready in memory: same
 * batches, same guarantees, alternating order. @throws Error where the two topics do not end up the same
 */
export async function run({ rounds = 5 }: { rounds?: number } = {}): Promise<BenchResult> {
  const dataDir = await mkdtemp(join(tmpdir(), 'peerbridge-bench-'));
  const kafka = await startKafka();
  const database = await openDatabase({ dataDir, applicationName: 'bench' });
  try {
    await migrate(database.pool, 'runtime', runtimeMigrations);
    const store = await PostgresEventStore.open({ pool: database.pool });
    await fill((stream, events) => store.append(stream, events, { expectedRevision: 'noStream' }));
    const messages: OutgoingMessage[] = [];
    for await (const event of store.readAll()) messages.push(integrationEvent(event));
    const head = await store.head();

    const publisher = new KafkaPublisher({ brokers: kafka.brokers, topics: [careEvents, BARE_TOPIC] });
    await publisher.publish([]);
    const relay = async (): Promise<void> => {
      await database.pool.query('delete from runtime.checkpoint');
      const checkpoints = new PostgresCheckpointStore(database.pool);
      const abort = new AbortController();
      const ended = new Relay({ store, publisher, checkpoints, batchSize: BATCH_SIZE }).run(abort.signal);
      while (await checkpoints.load('relay') !== head) await delay(10);
      abort.abort();
      await ended;
    };
    const producer = new Kafka({ brokers: kafka.brokers, logLevel: logLevel.NOTHING }).producer({
      idempotent: true, maxInFlightRequests: 1, createPartitioner: Partitioners.DefaultPartitioner,
    });
    await producer.connect();
    const bare = async (): Promise<void> => {
      for (let from = 0; from < messages.length; from += BATCH_SIZE) {
        const batch = messages.slice(from, from + BATCH_SIZE)
          .map(({ key, value, headers }) => ({ key, value, headers: { ...headers } }));
        await producer.sendBatch({ acks: -1, topicMessages: [{ topic: BARE_TOPIC.name, messages: batch }] });
      }
    };

    const measured: { relay: number; bare: number }[] = [];
    // The first round warms both up and does not count.
    for (let round = 0; round <= rounds; round += 1) {
      const result = { relay: 0, bare: 0 };
      for (const side of round % 2 ? ['relay', 'bare'] as const : ['bare', 'relay'] as const) {
        const start = performance.now();
        await { relay, bare }[side]();
        result[side] = Math.round(EVENTS / ((performance.now() - start) / 1_000));
      }
      if (round > 0) measured.push(result);
    }
    await producer.disconnect();
    await publisher.close();
    await store.close();
    const [ours, theirs] = [await readTopic(kafka.brokers, careEvents.name), await readTopic(kafka.brokers, BARE_TOPIC.name)];
    if (hash(ours) !== hash(theirs)) throw new Error('The relay and the bare producer did not publish the same');
    return await keep({
      name: 'relay',
      circumstances: { events: EVENTS, batch: BATCH_SIZE },
      rounds: measured,
      summary: {
        'relayed events/s': spread(measured.map((one) => one.relay)),
        'bare events/s': spread(measured.map((one) => one.bare)),
        ratio: spread(measured.map((one) => one.relay / one.bare)),
      },
    });
  } finally {
    await database.close();
    await kafka.close();
    await rm(dataDir, { recursive: true, force: true });
  }
}

async function fill(append: (stream: string, events: StoredEvent[]) => Promise<unknown>): Promise<void> {
  const people = Array.from({ length: PEOPLE }, () => randomUUID());
  for (let written = 0; written < EVENTS; written += 100) {
    await Promise.all(Array.from({ length: 100 }, (_, index) => {
      const event = contact(people[(written + index) % PEOPLE]!);
      return append(event.metadata.stream, [event]);
    }));
  }
}

/** As large as a contact with a summary of a few sentences. */
function contact(participantId: string): StoredEvent {
  const [commandId, orgId] = [randomUUID(), randomUUID()];
  return {
    metadata: {
      eventId: randomUUID(), type: 'PeerContactLogged', schemaVersion: 1, stream: `peerContact-${randomUUID()}`,
      occurredAt: '2026-01-15T11:30:00.000Z', recordedAt: '2026-01-15T12:00:00.000Z',
      actor: { id: randomUUID(), role: 'peer', orgId }, purpose: 'COC', sourceOrgId: orgId, participantId,
      labels: { segments: ['peer'], part2: true, confidentiality: 'R' },
      commandId, bodyHash: base64(32), $correlationId: commandId, $causationId: commandId, consentRefs: [],
    },
    data: {
      open: { modality: 'phone', supportTypes: ['emotional'], activities: ['coaching'], dimensions: ['health'] },
      sealed: { peer: { keyId: randomUUID(), nonce: base64(12), ciphertext: base64(300) } },
    },
  };
}

const base64 = (bytes: number): string => randomBytes(bytes).toString('base64');

function hash(messages: readonly TopicMessage[]): string {
  const ordered = [...messages].sort((a, b) => a.partition - b.partition);
  return createHash('sha256').update(JSON.stringify(ordered)).digest('hex');
}
