import { Kafka, logLevel, Partitioners, type Message, type Producer, type RecordMetadata } from 'kafkajs';
import type { OutgoingMessage, Publisher, PublisherHealth } from '../publisher.js';
import { careEvents, type Topic } from '../topics.js';

const CONNECT_WITHIN_MS = 3_000;
const ANSWER_WITHIN_MS = 10_000;
/** Whatever fits into one append of the store must fit into one message; a broker takes 1 MiB unless told otherwise. */
const MAX_MESSAGE_BYTES = 2 * 1_048_576;
/** Whoever reads the topic from the beginning is to find the beginning, whatever the broker does with topics of its own. */
const KEEPS_FOR_GOOD = [
  { name: 'cleanup.policy', value: 'delete' },
  { name: 'retention.ms', value: '-1' },
  { name: 'retention.bytes', value: '-1' },
];
/** What goes to one partition at once, below what a broker takes unless told otherwise. */
const MAX_PARTITION_BYTES = 1_000_000;
/** Lengths, offsets and times that a record has beside its texts, and the lengths of a header's. */
const RECORD_BYTES = 40;
const HEADER_BYTES = 4;

export interface KafkaPublisherOptions {
  /** `host:port` each. */
  brokers: readonly string[];
  topics?: readonly Topic[];
  /** Gets what the client says of connections and retries: names of hosts and errors, never a key or a value. */
  log?: { debug(fields: object, text: string): void };
}

/** The topic exists with another number of partitions: publishing would break the order of what is there. */
export class WrongPartitionCount extends Error {
  constructor(topic: Topic, actual: number) {
    super(`Topic ${topic.name} has ${actual} partitions, not ${topic.partitions}`);
    this.name = 'WrongPartitionCount';
  }
}

/** The broker's answer leaves out some of what was sent. */
class Unacknowledged extends Error {
  override name = 'Unacknowledged';
}

/**
 * Publishes to Kafka: all replicas acknowledge, one request in flight, idempotent within a call. Every failure ends the
 * producer: its sequence numbers may stand for messages that did arrive, and the broker would take other messages under
 * the same numbers for repetitions and drop them.
 */
export class KafkaPublisher implements Publisher {
  private readonly kafka: Kafka;
  private readonly topics: ReadonlyMap<string, Topic>;
  private readonly partitionOf = Partitioners.DefaultPartitioner();
  private producer: Promise<Producer> | undefined;
  private state: PublisherHealth = { status: 'down', reason: 'Not connected yet' };

  constructor({ brokers, topics = [careEvents], log }: KafkaPublisherOptions) {
    this.topics = new Map(topics.map((topic) => [topic.name, topic]));
    this.kafka = new Kafka({
      clientId: 'peerbridge',
      brokers: [...brokers],
      connectionTimeout: CONNECT_WITHIN_MS,
      requestTimeout: ANSWER_WITHIN_MS,
      // Whoever publishes tries again; an idempotent producer insists on one retry of its own.
      retry: { retries: 1, initialRetryTime: 100, maxRetryTime: 1_000 },
      logLevel: logLevel.INFO,
      logCreator: () => ({ namespace, log: { message, broker, error } }) =>
        log?.debug({ namespace, broker, error }, `Kafka client: ${message}`),
    });
  }

  async publish(messages: readonly OutgoingMessage[]): Promise<void> {
    try {
      this.producer ??= this.connect();
      const producer = await this.producer;
      for (const request of requests(messages.map((message) => this.addressed(message)))) await this.send(producer, request);
      this.state = { status: 'up' };
    } catch (error) {
      this.state = { status: 'down', reason: error instanceof Error ? error.message : 'Unknown' };
      // Not awaited: it may wait for answers that never come.
      void this.disconnect();
      throw error;
    }
  }

  health(): PublisherHealth {
    return this.state;
  }

  async close(): Promise<void> {
    await this.disconnect();
  }

  private async send(producer: Producer, request: readonly AddressedMessage[]): Promise<void> {
    const byTopic = new Map<string, Message[]>();
    const expected = new Set<string>();
    for (const { topic, destination, message } of request) {
      const messages = byTopic.get(topic) ?? [];
      byTopic.set(topic, messages);
      messages.push(message);
      expected.add(destination);
    }
    const answers = await producer.sendBatch({
      acks: -1, timeout: ANSWER_WITHIN_MS, topicMessages: [...byTopic].map(([topic, messages]) => ({ topic, messages })),
    });
    // The client forgets partitions whose leadership moves, between its retries, to a broker that has already answered.
    for (const { topicName, partition } of answers.filter(isAcknowledged)) expected.delete(destinationOf(topicName, partition));
    if (expected.size > 0) throw new Unacknowledged(`No acknowledgement for ${[...expected].join(', ')}`);
  }

  private addressed({ topic, key, headers, value }: OutgoingMessage): AddressedMessage {
    const { partitions } = this.topics.get(topic) ?? unknownTopic(topic);
    const message = { key, value, headers: { ...headers } };
    // By the key's murmur2 hash, as the Java client does it.
    const partition = this.partitionOf({ topic, partitionMetadata: new Array(partitions), message });
    return { topic, destination: destinationOf(topic, partition), message: { ...message, partition } };
  }

  private async connect(): Promise<Producer> {
    await this.prepareTopics();
    const producer = this.kafka.producer({
      idempotent: true, maxInFlightRequests: 1, allowAutoTopicCreation: false, createPartitioner: Partitioners.DefaultPartitioner,
    });
    try {
      await producer.connect();
      return producer;
    } catch (error) {
      void producer.disconnect().catch(() => undefined);
      throw error;
    }
  }

  /** Creates the topics that are missing. @throws WrongPartitionCount */
  private async prepareTopics(): Promise<void> {
    const admin = this.kafka.admin();
    try {
      await admin.connect();
      const existing = new Set(await admin.listTopics());
      const missing = [...this.topics.values()].filter(({ name }) => !existing.has(name));
      if (missing.length > 0) {
        await admin.createTopics({
          topics: missing.map(({ name, partitions }) => ({
            topic: name,
            numPartitions: partitions,
            configEntries: [{ name: 'max.message.bytes', value: String(MAX_MESSAGE_BYTES) }, ...KEEPS_FOR_GOOD],
          })),
        });
      }
      const { topics } = await admin.fetchTopicMetadata({ topics: [...this.topics.keys()] });
      for (const { name, partitions } of topics) {
        const topic = this.topics.get(name) ?? unknownTopic(name);
        if (partitions.length !== topic.partitions) throw new WrongPartitionCount(topic, partitions.length);
      }
    } finally {
      await admin.disconnect().catch(() => undefined);
    }
  }

  private async disconnect(): Promise<void> {
    const { producer } = this;
    this.producer = undefined;
    await producer?.then((one) => one.disconnect()).catch(() => undefined);
  }
}

interface AddressedMessage {
  topic: string;
  destination: string;
  message: Message;
}

const destinationOf = (topic: string, partition: number): string => `${topic}/${partition}`;

/** In order, with no more for any partition than it takes at once; a larger message is the only one of its partition. */
function* requests(messages: readonly AddressedMessage[]): Generator<readonly AddressedMessage[]> {
  let request: AddressedMessage[] = [];
  const bytesFor = new Map<string, number>();
  for (const addressed of messages) {
    const size = sizeOf(addressed.message);
    const before = bytesFor.get(addressed.destination) ?? 0;
    if (before > 0 && before + size > MAX_PARTITION_BYTES) {
      yield request;
      request = [];
      bytesFor.clear();
    }
    bytesFor.set(addressed.destination, (bytesFor.get(addressed.destination) ?? 0) + size);
    request.push(addressed);
  }
  if (request.length > 0) yield request;
}

function sizeOf({ key, value, headers }: Message): number {
  let bytes = RECORD_BYTES + Buffer.byteLength(key ?? '') + Buffer.byteLength(value ?? '');
  for (const [name, text] of Object.entries(headers ?? {})) {
    bytes += HEADER_BYTES + Buffer.byteLength(name) + Buffer.byteLength(String(text));
  }
  return bytes;
}

const isAcknowledged = (answer: RecordMetadata): boolean => answer.errorCode === 0;

function unknownTopic(name: string): never {
  throw new Error(`Topic ${name} is not among those this publisher was given`);
}
