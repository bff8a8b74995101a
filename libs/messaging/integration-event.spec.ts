import { describe, expect, it } from '@jest/globals';
import type { RecordedEvent } from '@peerbridge/event-store';
import { integrationEvent } from './integration-event.js';

const participantId = '5b0c1f5e-7c1e-4a39-8f0e-0d7b1f4a2c11';
const event: RecordedEvent = {
  stream: 'peerContact-6f2b0c7a-0e53-4c0e-9a57-3f0d5a0c8b21',
  revision: 0,
  position: 'pg12345678.00000000000000000042',
  metadata: {
    eventId: '0d9f3c53-4a4e-5d8e-9a52-0f1f5a7d9e10', type: 'PeerContactLogged', schemaVersion: 2,
    stream: 'peerContact-6f2b0c7a-0e53-4c0e-9a57-3f0d5a0c8b21',
    occurredAt: '2026-01-15T11:30:00.000Z', recordedAt: '2026-01-15T12:00:00.000Z',
    actor: { id: 'a7a4a6a0-3e59-5c5e-8f53-8a0c7f2f4f10', role: 'peer', orgId: 'c4bc7a0d-41a6-4a40-a8c5-5f4c5d3c2b10' },
    purpose: 'COC', sourceOrgId: 'c4bc7a0d-41a6-4a40-a8c5-5f4c5d3c2b10', participantId,
    labels: { segments: ['peer'], part2: true, confidentiality: 'R' },
    commandId: 'e1c6a2b4-57b0-4d1a-bb9b-7a3a1e6f5d10', bodyHash: 'aGFzaA',
    $correlationId: 'e1c6a2b4-57b0-4d1a-bb9b-7a3a1e6f5d10', $causationId: 'e1c6a2b4-57b0-4d1a-bb9b-7a3a1e6f5d10', consentRefs: [],
  },
  data: { open: { modality: 'phone' }, sealed: { peer: { keyId: 'k1', nonce: 'bm9uY2U=', ciphertext: 'Y2lwaGVy' } } },
};

describe('An integration event', () => {
  it('goes to the topic of all events under the participant\'s id', () => {
    expect(integrationEvent(event)).toMatchObject({ topic: 'care.events.v1', key: participantId });
  });

  it('that speaks of no person goes under its stream', () => {
    const { participantId: _, ...metadata } = event.metadata;
    expect(integrationEvent({ ...event, metadata }).key).toBe(event.stream);
  });

  it('carries exactly the CloudEvents attributes in its headers, and no subject', () => {
    expect(integrationEvent(event).headers).toEqual({
      'content-type': 'application/json',
      ce_specversion: '1.0',
      ce_id: event.metadata.eventId,
      ce_source: '/peerbridge',
      ce_type: 'peerbridge.PeerContactLogged.v2',
      ce_time: '2026-01-15T11:30:00.000Z',
    });
  });

  it('holds metadata, open and sealed as the log has them', () => {
    expect(JSON.parse(integrationEvent(event).value)).toEqual({
      metadata: event.metadata, open: { modality: 'phone' }, sealed: event.data.sealed,
    });
  });
});
