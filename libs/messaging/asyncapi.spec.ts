import { describe, expect, it } from '@jest/globals';
import { z } from 'zod';
import { defineEvent } from '@peerbridge/kernel';
import { asyncApiDocument, eventJsonSchema } from './asyncapi.js';

const contactLogged = defineEvent({
  type: 'PeerContactLogged',
  version: 2,
  schema: z.object({
    contactId: z.guid(), modality: z.enum(['phone', 'video']), summary: z.string(), narrative: z.string().optional(),
  }),
  sealed: { summary: 'peer', narrative: 'peer' },
  segments: () => ['peer'],
});
const noteRecorded = defineEvent({
  type: 'ClinicianNoteRecorded',
  schema: z.object({ segments: z.array(z.enum(['mh', 'sud'])).min(1), body: z.string() }),
  sealed: (data) => ({ body: data.segments[0]! }),
  segments: (data) => data.segments,
});
const loopClosed = defineEvent({
  type: 'LoopClosed', schema: z.object({ referralId: z.guid() }), segments: () => ['social'],
});

describe('The schema of an event', () => {
  const schema = eventJsonSchema(contactLogged);

  it('leaves the protected fields out of the open part', () => {
    const open = schema.properties?.['open'];
    expect(Object.keys(open?.properties ?? {})).toEqual(['contactId', 'modality']);
    expect(open?.required).toEqual(['contactId', 'modality']);
  });

  it('describes the protected fields as ciphertext', () => {
    expect(schema.properties?.['sealed']).toMatchObject({
      description: expect.stringContaining('summary, narrative'),
      additionalProperties: { required: ['keyId', 'nonce', 'ciphertext'], additionalProperties: false },
    });
  });

  it('pins type and version', () => {
    expect(schema.properties?.['metadata']?.properties).toMatchObject({
      type: { const: 'PeerContactLogged' }, schemaVersion: { const: 2 }, eventId: { type: 'string', format: 'uuid' },
    });
  });

  it('finds protected fields also where their segment depends on the event', () => {
    const note = eventJsonSchema(noteRecorded);
    expect(Object.keys(note.properties?.['open']?.properties ?? {})).toEqual(['segments']);
  });

  it('allows nothing sealed where nothing is protected', () => {
    expect(eventJsonSchema(loopClosed).properties?.['sealed']).toEqual({ type: 'object', additionalProperties: false });
  });
});

describe('The AsyncAPI document', () => {
  const document = asyncApiDocument([contactLogged, noteRecorded, loopClosed]);

  it('lists every event on the topic of all events', () => {
    expect(document).toMatchObject({
      asyncapi: '3.0.0',
      channels: { careEvents: {
        address: 'care.events.v1',
        bindings: { kafka: { partitions: 12 } },
        messages: { 'PeerContactLogged.v2': { $ref: '#/components/messages/PeerContactLogged.v2' } },
      } },
    });
    const { messages } = document['components'] as { messages: object };
    expect(Object.keys(messages)).toEqual(['PeerContactLogged.v2', 'ClinicianNoteRecorded.v1', 'LoopClosed.v1']);
  });

  it('says which headers a message of the type has', () => {
    expect(document).toMatchObject({ components: { messages: { 'PeerContactLogged.v2': { headers: { properties: {
      ce_type: { const: 'peerbridge.PeerContactLogged.v2' }, ce_source: { const: '/peerbridge' },
    } } } } } });
  });
});
