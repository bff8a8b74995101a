import { readdirSync, readFileSync } from 'node:fs';
import { describe, it, expect } from '@jest/globals';
import { z } from 'zod';
import type { AnyEventDefinition } from './event.js';

/**
 * What was once written must stay readable. Every version of every event has a file of sample data,
 * `<EventName>.v<schemaVersion>.json`, in the folder `golden/` beside the spec that calls this.
 */
export function describeGoldenFiles(specUrl: string, definitions: readonly AnyEventDefinition[]): void {
  const folder = new URL('./golden/', specUrl);
  const files = readdirSync(folder).sort();

  describe('Events as they were ever written', () => {
    it.each(files)('%s is readable today', (file) => {
      const [, type, version] = /^(\w+)\.v(\d+)\.json$/.exec(file) ?? [];
      const definition = definitions.find((one) => one.type === type);
      if (!definition) throw new Error(`No event for ${file}`);
      let data = JSON.parse(readFileSync(new URL(file, folder), 'utf8')) as Record<string, unknown>;
      for (let from = Number(version); from < definition.version; from += 1) data = definition.upcasters[from]!(data);
      expect(definition.schema.parse(data)).toEqual(data);
    });

    it.each(definitions.map((one) => [one.type, one] as const))('%s has a file for each version', (type, { version }) => {
      const expected = Array.from({ length: version }, (_, index) => `${type}.v${index + 1}.json`);
      expect(files.filter((file) => file.startsWith(`${type}.v`))).toEqual(expected);
    });

    it.each(definitions.map((one) => [one.type, one] as const))('%s can be described as JSON Schema', (_type, { schema }) => {
      expect(z.toJSONSchema(schema)).toMatchObject({ type: 'object' });
    });
  });
}
