import type { RecordedEvent } from '@peerbridge/event-store';
import type { OutgoingMessage } from './publisher.js';
import { careEvents } from './topics.js';

/** An event of the log as integrators get it: CloudEvents 1.0, Kafka binary mode. What is sealed stays ciphertext. */
export function integrationEvent({ metadata, data, stream }: RecordedEvent): OutgoingMessage {
  return {
    topic: careEvents.name,
    key: metadata.participantId ?? stream,
    // No ce_subject: it would name the person once more, in a place that routers and logs look at.
    headers: {
      'content-type': 'application/json',
      ce_specversion: '1.0',
      ce_id: metadata.eventId,
      ce_source: '/peerbridge',
      ce_type: cloudEventType(metadata.type, metadata.schemaVersion),
      ce_time: metadata.occurredAt,
    },
    value: JSON.stringify({ metadata, open: data.open, sealed: data.sealed }),
  };
}

export const cloudEventType = (type: string, schemaVersion: number): string => `peerbridge.${type}.v${schemaVersion}`;
