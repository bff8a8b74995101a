import kafkajs, { Kafka, logLevel, type Admin } from 'kafkajs';
import { randomUUID } from 'node:crypto';

export interface TopicMessage {
  partition: number;
  key: string;
  headers: Record<string, string>;
  value: string;
}

/** Everything that is on the topic now; the messages of a partition in their order. */
export async function readTopic(brokers: string[], topic: string): Promise<TopicMessage[]> {
  const offsets = await administer(brokers, (admin) => admin.fetchTopicOffsets(topic));
  const filled = offsets.filter(({ low, high }) => low !== high);
  /** Partition → its last offset. */
  const unread = new Map(filled.map(({ partition, high }) => [partition, BigInt(high) - 1n]));
  const messages: TopicMessage[] = [];
  if (unread.size === 0) return messages;
  const consumer = clientOf(brokers).consumer({ groupId: `test-${randomUUID()}` });
  await consumer.connect();
  await consumer.subscribe({ topic, fromBeginning: true });
  await new Promise<void>((resolve, reject) => {
    consumer.on('consumer.crash', ({ payload }) => { if (!payload.restart) reject(payload.error); });
    consumer.run({
      eachMessage: async ({ partition, message }) => {
        const last = unread.get(partition);
        if (last === undefined) return;
        messages.push({
          partition,
          key: String(message.key),
          headers: Object.fromEntries(Object.entries(message.headers ?? {}).map(([name, value]) => [name, String(value)])),
          value: String(message.value),
        });
        if (BigInt(message.offset) >= last) unread.delete(partition);
        if (unread.size === 0) resolve();
      },
    }).catch(reject);
  }).finally(() => consumer.disconnect());
  return messages;
}

/** What the topic is set to, be it of its own or by default. */
export async function topicSettings(brokers: string[], topic: string): Promise<Record<string, string>> {
  const { resources: [found] } = await administer(brokers, (admin) => admin.describeConfigs({
    resources: [{ type: kafkajs.ConfigResourceTypes.TOPIC, name: topic }], includeSynonyms: false,
  }));
  return Object.fromEntries(found!.configEntries.map(({ configName, configValue }) => [configName, configValue]));
}

/** Those that there are. */
export async function deleteTopics(brokers: string[], topics: readonly string[]): Promise<void> {
  await administer(brokers, async (admin) => {
    const existing = await admin.listTopics();
    await admin.deleteTopics({ topics: topics.filter((topic) => existing.includes(topic)) });
  });
}

const clientOf = (brokers: string[]): Kafka => new Kafka({ clientId: 'test-reader', brokers, logLevel: logLevel.NOTHING });

async function administer<T>(brokers: string[], work: (admin: Admin) => Promise<T>): Promise<T> {
  const admin = clientOf(brokers).admin();
  await admin.connect();
  return work(admin).finally(() => admin.disconnect());
}
