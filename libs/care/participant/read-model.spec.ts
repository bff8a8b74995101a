import { describe, expect, it } from '@jest/globals';
import type { Segment } from '@peerbridge/kernel';
import { replaceableSegments, type ReplaceableField } from './events.js';
import { replaced } from './read-model.js';

type SealedPart = Parameters<typeof replaced>[1][number];

/** What an event seals of these fields, with what each then says. */
const partsOf = (event: string, ...fields: ReplaceableField[]): SealedPart[] =>
  [...new Set(fields.map((field): Segment => replaceableSegments[field]))].map((segment) => ({
    eventId: event, type: 'PreferencesChanged', schemaVersion: 2, segment,
    clear: Object.fromEntries(fields.filter((field) => replaceableSegments[field] === segment).map((field) => [field, event])),
  }));
const read = (parts: readonly SealedPart[]) => Object.assign({}, ...parts.map((part) => ('clear' in part ? part.clear : {})));

describe('What the view keeps of a person', () => {
  const enrolled = partsOf('enrolled', 'preferredName', 'contact', 'safeContact');

  it('is what was said last of each field, and nothing that nobody reads any more', () => {
    let parts = replaced(enrolled, partsOf('first', 'contact', 'householdSize', 'safeContact'), [
      'contact', 'householdSize', 'safeContact']);
    parts = replaced(parts, partsOf('second', 'contact', 'safeContact'), ['contact', 'safeContact']);
    parts = replaced(parts, partsOf('third', 'preferredName'), ['preferredName']);
    expect(read(parts)).toEqual({ preferredName: 'third', contact: 'second', householdSize: 'first', safeContact: 'second' });
    expect(parts.map(({ eventId, segment }) => `${eventId} ${segment}`)).toEqual([
      'enrolled identity', 'enrolled safety', 'first identity', 'second identity', 'second safety', 'third identity']);
  });

  it('is no more after a thousand changes than after the first of each field', () => {
    const fields = Object.keys(replaceableSegments) as ReplaceableField[];
    let parts = replaced(enrolled, [], []);
    for (let index = 0; index < 1_000; index += 1) {
      const some = fields.filter((_, nth) => (index >> nth % 7) % 2 === 0);
      parts = replaced(parts, partsOf(`change ${index}`, ...some), some);
    }
    expect(parts.length).toBeLessThanOrEqual(enrolled.length + fields.length);
  });

  it('is all that was written before events said which fields they hold', () => {
    const parts = replaced(replaced(enrolled, partsOf('old', 'contact'), undefined), partsOf('new', 'contact'), ['contact']);
    expect(parts.map(({ eventId }) => eventId)).toEqual(['enrolled', 'enrolled', 'old', 'new']);
    expect(read(parts)).toMatchObject({ contact: 'new' });
  });
});
