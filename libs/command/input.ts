import { z } from 'zod';
import { invalid } from '@peerbridge/kernel';

const envelope = z.looseObject({
  commandId: z.string().trim().min(1).max(200),
  expectedVersion: z.number().int().min(0).optional(),
  occurredAt: z.iso.datetime({ offset: true }).optional(),
});

/** The fields every mutation's input has. @throws DomainError VALIDATION */
export function commandEnvelope(input: Record<string, unknown>): z.infer<typeof envelope> {
  const parsed = envelope.safeParse(input);
  if (parsed.success) return parsed.data;
  const fields = fieldsOf(parsed.error);
  throw invalid(`Missing or malformed: ${fields.join(', ')}.`, ...fields);
}

/** The paths at fault, each once. */
export const fieldsOf = (error: z.ZodError): string[] =>
  [...new Set(error.issues.flatMap((issue) => (
    issue.code === 'unrecognized_keys' ? issue.keys.map((key) => [...issue.path, key].join('.')) : [issue.path.join('.')])))];

/** GraphQL says null where nothing was given; the domain knows only absent. */
export function withoutNulls(value: object): Record<string, unknown> {
  return strip(value) as Record<string, unknown>;
}

function strip(value: unknown): unknown {
  if (Array.isArray(value)) return value.filter((one) => one !== null && one !== undefined).map(strip);
  if (value === null || typeof value !== 'object' || value instanceof Date) return value;
  return Object.fromEntries(Object.entries(value).filter(([, one]) => one !== null && one !== undefined).map(([key, one]) => [key, strip(one)]));
}
