import { describe, it, expect } from '@jest/globals';
import { z } from 'zod';
import { day, documentHash, fieldsAtFault, id, instant, longText, partialDay, shortText, someOf, versionToken } from './input.js';

const accepts = (schema: z.ZodType, value: unknown): boolean => schema.safeParse(value).success;

describe('Input', () => {
  it('makes every instant UTC with milliseconds', () => {
    expect(instant.parse('2026-01-15T12:00:00+02:00')).toBe('2026-01-15T10:00:00.000Z');
    expect(instant.parse('2026-01-15T12:00:00Z')).toBe('2026-01-15T12:00:00.000Z');
  });

  it.each([
    '2026-02-30T00:00:00Z', '2026-01-15', '2026-01-15T12:00:00', 'yesterday', '9999-12-31T23:59:59-01:00',
    '0000-01-01T00:00:00+01:00', '0000-06-01T00:00:00Z', '0001-01-01T00:00:00+14:00', 7,
  ])('does not take %s for an instant', (value) => expect(accepts(instant, value)).toBe(false));

  it('knows the days of the calendar', () => {
    expect(accepts(day, '2028-02-29')).toBe(true);
    expect(accepts(day, '2026-02-29')).toBe(false);
    expect(accepts(day, '2026-1-5')).toBe(false);
    expect(accepts(day, '0000-01-01')).toBe(false);
  });

  it('takes as much of a day as is known', () => {
    for (const given of ['1980', '1980-05', '2028-02-29']) expect(partialDay.parse(given)).toBe(given);
    for (const given of ['80', '1980-', '1980-0', '1980-5', '1980-13', '2026-02-29', '0000', '1980-05-', 'about 1980']) {
      expect({ given, taken: accepts(partialDay, given) }).toEqual({ given, taken: false });
    }
  });

  it('makes ids lower-case', () => {
    expect(id.parse('A3BB189E-8BF9-4888-9912-ACE4E6543002')).toBe('a3bb189e-8bf9-4888-9912-ace4e6543002');
    expect(accepts(id, 'a3bb189e')).toBe(false);
  });

  it('takes a hash for what it is, in capitals or with the name of its kind', () => {
    const hash = '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08';
    for (const given of [hash, hash.toUpperCase(), `sha256:${hash}`]) expect(documentHash.parse(given)).toBe(hash);
    for (const given of [hash.slice(1), `${hash}0`, hash.replace('9', 'g'), 'Maria Gomez', '']) {
      expect(accepts(documentHash, given)).toBe(false);
    }
  });

  it('keeps versions short, and words out of them', () => {
    for (const given of ['2026-01', 'v1.2_b']) expect(versionToken.parse(given)).toBe(given);
    for (const given of ['', 'as told to Pat', 'x'.repeat(33), 'ü']) expect(accepts(versionToken, given)).toBe(false);
  });

  it('trims text and refuses what is blank or too long', () => {
    expect(shortText.parse('  RC Services ')).toBe('RC Services');
    expect(accepts(shortText, '   ')).toBe(false);
    expect([accepts(shortText, 'x'.repeat(200)), accepts(shortText, 'x'.repeat(201))]).toEqual([true, false]);
    expect([accepts(longText, 'x'.repeat(100_000)), accepts(longText, 'x'.repeat(100_001))]).toEqual([true, false]);
  });

  it('counts characters as people do, up to a bound on what they are made of', () => {
    const family = '👨‍👩‍👧‍👦';
    expect([accepts(shortText, family.repeat(181)), accepts(shortText, family.repeat(182))]).toEqual([true, false]);
    expect([accepts(shortText, 'e\u0301'.repeat(200)), accepts(shortText, 'e\u0301'.repeat(201))]).toEqual([true, false]);
    expect([accepts(longText, '🌱'.repeat(100_000)), accepts(longText, '🌱'.repeat(100_001))]).toEqual([true, false]);
  });

  it.each([
    ['a zero-width space', '\u200b'], ['joiners', '\u200d\u2060\ufeff'], ['what directs', '\u202e\u2066'],
    ['a soft hyphen', '\u00ad'],
    ['a filler', '\u3164'], ['an empty braille cell', '\u2800'], ['a variation selector', '\ufe0f'], ['a tag', '\u{e0041}'],
    ['a control', '\u0007'], ['an accent alone', '\u0301'],
  ])('refuses text of which nothing can be seen: %s', (_what, text) => {
    expect([accepts(shortText, text), accepts(longText, ` ${text} `)]).toEqual([false, false]);
    expect(accepts(shortText, `Zoë${text}`)).toBe(true);
  });

  it.each(['\ud83d', 'a\u0000b'])('refuses text that no store keeps as it is', (text) => {
    expect([accepts(shortText, text), accepts(longText, text)]).toEqual([false, false]);
    expect(accepts(shortText, '🌱 für Zoë')).toBe(true);
  });

  it('wants at least one word of a set, each counted once', () => {
    const dimensions = someOf(['health', 'home']);
    expect(dimensions.parse(['home', 'health', 'home'])).toEqual(['home', 'health']);
    expect(accepts(dimensions, [])).toBe(false);
    expect(accepts(dimensions, ['work'])).toBe(false);
  });

  it('names the fields at fault once each, lists without an index', () => {
    const schema = z.object({ signature: z.object({ signer: shortText }), dimensions: someOf(['home']), kind: shortText });
    const { error } = schema.safeParse({ signature: { signer: ' ' }, dimensions: ['work', 'rest'] });
    expect(fieldsAtFault(error!)).toEqual(['signature.signer', 'dimensions', 'kind']);
  });

  it('can be described as JSON Schema', () => {
    expect(() => z.toJSONSchema(z.object({
      id, instant, day, partialDay, shortText, longText, documentHash, versionToken, words: someOf(['home']),
    }))).not.toThrow();
  });
});
