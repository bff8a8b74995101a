import { z } from 'zod';
import { instant, notAhead, storable } from '@peerbridge/kernel';

/** The fields every mutation's input has; the others go through to the command's own schema. */
export const commandEnvelope = z.looseObject({
  commandId: storable.trim().min(1).max(200),
  expectedVersion: z.number().int().optional(),
  occurredAt: instant.optional(),
});

/**
 * GraphQL says null where nothing was given; the domain knows only absent.
 * @param clearable fields where null says that what stands is taken out
 */
export function withoutNulls(value: object, clearable: readonly string[] = []): Record<string, unknown> {
  const takenOut = Object.entries(value).filter(([field, one]) => one === null && clearable.includes(field));
  return { ...strip(value) as Record<string, unknown>, ...Object.fromEntries(takenOut) };
}

function strip(value: unknown): unknown {
  if (Array.isArray(value)) return value.filter((one) => one !== null && one !== undefined).map(strip);
  if (value === null || typeof value !== 'object' || value instanceof Date) return value;
  const given = Object.entries(value).filter(([, one]) => one !== null && one !== undefined);
  return Object.fromEntries(given.map(([key, one]) => [key, strip(one)]));
}

/** The input with what happened a moment from now, as a device's clock has it, happening now. */
export const happenedByNow = (fields: readonly string[] = [], input: object, now: string): object => ({
  ...input,
  ...Object.fromEntries(Object.entries(input).filter(([name, at]) => fields.includes(name) && typeof at === 'string')
    .map(([name, at]) => [name, notAhead(at as string, now)])),
});

/** Where a value holds text that cannot be stored, and so cannot be hashed either: paths, lists without an index. */
export function unstorableFields(value: unknown, path: readonly string[] = []): string[] {
  if (typeof value === 'string') return storable.safeParse(value).success ? [] : [path.join('.')];
  if (Array.isArray(value)) return value.flatMap((one) => unstorableFields(one, path));
  if (value === null || typeof value !== 'object') return [];
  return Object.entries(value).flatMap(([key, one]) => unstorableFields(one, [...path, key]));
}
