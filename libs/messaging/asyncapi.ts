import { z } from 'zod';
import {
  purposesOfUse, roles, segments, type AnyEventDefinition, type EventMetadata, type SealedFields,
} from '@peerbridge/kernel';
import { cloudEventType } from './integration-event.js';
import { careEvents } from './topics.js';

export interface JsonSchema {
  [keyword: string]: unknown;
  properties?: Record<string, JsonSchema>;
  required?: string[];
}

const ciphertext = z.strictObject({
  keyId: z.string(),
  nonce: z.base64(),
  ciphertext: z.base64().describe('AES-256-GCM, the tag last; additional data: event id, type, schema version, segment'),
}) satisfies z.ZodType<SealedFields>;

/** Open: a later release may add to it without a new version of any event. */
const metadata = z.looseObject({
  eventId: z.guid(),
  type: z.string(),
  schemaVersion: z.int(),
  stream: z.string(),
  occurredAt: z.iso.datetime().describe('When it happened'),
  recordedAt: z.iso.datetime().describe('When it was written down'),
  actor: z.object({ id: z.guid(), role: z.enum(roles), orgId: z.guid() }),
  onBehalfOf: z.guid().optional(),
  purpose: z.enum(purposesOfUse),
  sourceOrgId: z.guid(),
  participantId: z.guid().optional(),
  labels: z.object({
    segments: z.array(z.enum(segments)),
    part2: z.boolean().describe('Held under 42 CFR Part 2'),
    confidentiality: z.enum(['N', 'R', 'V']),
  }),
  commandId: z.string().describe('A UUID; any text in what earlier releases wrote'),
  commandIndex: z.int().min(0).optional().describe('Which of its command\'s events it is; earlier releases did not say'),
  bodyHash: z.string(),
  $correlationId: z.string(),
  $causationId: z.string(),
  consentRefs: z.array(z.string()),
}) satisfies z.ZodType<EventMetadata>;

/** The JSON Schema (draft 7) of an event's message: protected fields are missing from `open` and lie in `sealed`, encrypted. */
export function eventJsonSchema(definition: AnyEventDefinition): JsonSchema {
  const data = jsonSchemaOf(definition.schema);
  const sealedFields = Object.keys(definition.sealed(exampleOf(data) as never));
  const common = jsonSchemaOf(metadata);
  return {
    type: 'object',
    properties: {
      metadata: {
        ...common,
        properties: { ...common.properties, type: { const: definition.type }, schemaVersion: { const: definition.version } },
      },
      open: without(data, sealedFields),
      sealed: sealedFields.length === 0 ? { type: 'object', additionalProperties: false } : {
        type: 'object',
        description: `Under the segment whose key seals them: ${sealedFields.join(', ')}`,
        propertyNames: { enum: [...segments] },
        additionalProperties: jsonSchemaOf(ciphertext),
      },
    },
    required: ['metadata', 'open', 'sealed'],
  };
}

/** AsyncAPI 3.0: what integrators find on the topic of all events, each in its current version. */
export function asyncApiDocument(definitions: readonly AnyEventDefinition[]): Record<string, unknown> {
  const named = definitions.map((definition) => ({ name: `${definition.type}.v${definition.version}`, definition }));
  const reference = (...path: string[]) => ({ $ref: `#/${path.join('/')}` });
  return {
    asyncapi: '3.0.0',
    info: {
      title: 'Peerbridge events',
      version: '1',
      description: 'Every event of every care team, at least once; the first occurrences of a person\'s events are in order. '
        + 'Deduplicate by ce_id. The topic is internal to the deployment.',
    },
    defaultContentType: 'application/json',
    channels: {
      careEvents: {
        address: careEvents.name,
        messages: Object.fromEntries(named.map(({ name }) => [name, reference('components', 'messages', name)])),
        bindings: { kafka: { partitions: careEvents.partitions } },
      },
    },
    operations: { publishCareEvents: { action: 'send', channel: reference('channels', 'careEvents') } },
    components: {
      messages: Object.fromEntries(named.map(({ name, definition }) => [name, {
        name,
        contentType: 'application/json',
        headers: cloudEventHeaders(definition),
        payload: eventJsonSchema(definition),
        bindings: { kafka: { key: { type: 'string', description: 'The participant\'s id; without one, the stream' } } },
      }])),
    },
  };
}

function cloudEventHeaders({ type, version }: AnyEventDefinition): JsonSchema {
  const properties = {
    'content-type': { const: 'application/json' },
    ce_specversion: { const: '1.0' },
    ce_id: { type: 'string', format: 'uuid' },
    ce_source: { const: '/peerbridge' },
    ce_type: { const: cloudEventType(type, version) },
    ce_time: { type: 'string', format: 'date-time' },
  };
  return { type: 'object', properties, required: Object.keys(properties) };
}

function jsonSchemaOf(schema: z.ZodType): JsonSchema {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { target: 'draft-7' });
  return rest as JsonSchema;
}

function without(schema: JsonSchema, fields: readonly string[]): JsonSchema {
  const properties = Object.fromEntries(Object.entries(schema.properties ?? {}).filter(([name]) => !fields.includes(name)));
  return { ...schema, properties, required: schema.required?.filter((name) => !fields.includes(name)) ?? [] };
}

/** Data of the schema's shape, to ask a definition which fields it seals: their segments may depend on data, not their names. */
function exampleOf(schema: JsonSchema): unknown {
  if ('const' in schema) return schema['const'];
  const choices = ['enum', 'anyOf', 'oneOf', 'allOf'].map((keyword) => schema[keyword] as unknown[] | undefined).find(Boolean);
  const first = choices?.[0];
  if (first !== undefined) return typeof first === 'object' ? exampleOf(first as JsonSchema) : first;
  switch (schema['type']) {
    case 'object':
      return Object.fromEntries(Object.entries(schema.properties ?? {}).map(([name, one]) => [name, exampleOf(one)]));
    case 'array': return 'items' in schema ? [exampleOf(schema['items'] as JsonSchema)] : [];
    case 'boolean': return false;
    case 'integer': case 'number': return 0;
    case 'null': return null;
    default: return '';
  }
}
