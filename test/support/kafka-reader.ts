import { Kafka, logLevel } from 'kafkajs';
import { randomUUID } from 'node:crypto';

export interface TopicMessage {
  partition: number;
  key: string;
  headers: Record<string, string>;
  value: string;
}

/** Everything that is on the topic now; the messages of a partition in their order. */
export async function readTopic(brokers: string[], topic: string): Promise<TopicMessage[]> {
  const kafka = new Kafka({ clientId: 'test-reader', brokers, logLevel: logLevel.NOTHING });
  const admin = kafka.admin();
  await admin.connect();
  const offsets = await admin.fetchTopicOffsets(topic);
  await admin.disconnect();
  const filled = offsets.filter(({ low, high }) => low !== high);
  /** Partition → its last offset. */
  const unread = new Map(filled.map(({ partition, high }) => [partition, BigInt(high) - 1n]));
  const messages: TopicMessage[] = [];
  if (unread.size === 0) return messages;
  const consumer = kafka.consumer({ groupId: `test-${randomUUID()}` });
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
