import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { z } from 'zod';
import type { AnyEventDefinition } from './event.js';
import type { Segment } from './vocabulary.js';

type FieldsBySegment = Partial<Record<Segment, string[]>>;

/**
 * The tests that every capability's events pass. `golden/<EventName>.v<version>.json` beside the spec holds one event of
 * each version ever written, in the clear, and is read as it was written. The sealed fields are those that the spec
 * names, in alphabetical order, so that none comes into the clear by an oversight.
 */
export function testEvents(
  definitions: readonly AnyEventDefinition[], specUrl: string, sealed: Readonly<Record<string, FieldsBySegment>>,
): void {
  const folder = new URL('./golden/', specUrl);
  testGoldenFiles(definitions, folder);

  it('can be described as JSON Schema', () => {
    for (const { schema } of definitions) expect(z.toJSONSchema(schema)).toMatchObject({ type: 'object' });
  });
}

function bySegment(segmentOf: Readonly<Partial<Record<string, Segment>>>): FieldsBySegment {
  const fields: FieldsBySegment = {};
  for (const [field, segment] of Object.entries(segmentOf).sort()) (fields[segment!] ??= []).push(field);
  return fields;
}

/** As `testEvents`, for events whose seals are tested elsewhere. */
export const describeGoldenFiles = (specUrl: string, definitions: readonly AnyEventDefinition[]): void =>
  describe('Events as they were ever written', () => testGoldenFiles(definitions, new URL('./golden/', specUrl)));
