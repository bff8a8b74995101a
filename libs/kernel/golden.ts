import { readdirSync, readFileSync } from 'node:fs';
import { expect, it } from '@jest/globals';
import { z } from 'zod';
import type { AnyEventDefinition } from './event.js';
import type { Segment } from './vocabulary.js';

type FieldsBySegment = Partial<Record<Segment, string[]>>;

/**
 * What was once written must stay readable: `golden/<EventName>.v<version>.json` beside the spec holds one event of each
 * version ever written, in the clear. And `sealed` names which of its fields are sealed, segment by segment, so that none
 * comes into the clear by an oversight.
 */
export function testEvents(
  definitions: readonly AnyEventDefinition[], specUrl: string, sealed: Readonly<Record<string, FieldsBySegment>>,
): void {
  const folder = new URL('./golden/', specUrl);
  const files = readdirSync(folder).sort();

  it('have a golden file for every version', () => {
    const versions = definitions.flatMap(({ type, version }) =>
      Array.from({ length: version }, (_, index) => `${type}.v${index + 1}.json`));
    expect(files).toEqual(versions.sort());
  });

  it.each(files)('%s is read as it was written', (file) => {
    const [type, version] = file.split('.');
    const definition = definitions.find((one) => one.type === type)!;
    let data = readJson(folder, file);
    for (let from = Number(version!.slice(1)); from < definition.version; from += 1) data = definition.upcasters[from]!(data);
    expect(definition.schema.parse(data)).toEqual(data);
  });

  it('can be described as JSON Schema', () => {
    for (const { schema } of definitions) expect(z.toJSONSchema(schema)).toMatchObject({ type: 'object' });
  });

  it('seal what is protected', () => {
    const found = definitions.map((one) =>
      [one.type, bySegment(one.sealed(readJson(folder, `${one.type}.v${one.version}.json`) as never))]);
    expect(Object.fromEntries(found)).toEqual(sealed);
  });
}

const readJson = (folder: URL, file: string) => JSON.parse(readFileSync(new URL(file, folder), 'utf8'));

/** Alphabetically within each segment. */
function bySegment(segmentOf: Readonly<Partial<Record<string, Segment>>>): FieldsBySegment {
  const fields: FieldsBySegment = {};
  for (const [field, segment] of Object.entries(segmentOf).sort()) (fields[segment!] ??= []).push(field);
  return fields;
}
