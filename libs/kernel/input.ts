import { z } from 'zod';

/**
 * The forms that input takes at the boundary, and in the events that keep it. All are checks and normalizations of one
 * type to itself, so that JSON Schema can be made of whatever is built from them.
 */

/** A UUID of any version; upper case is taken and made lower. */
export const id = z.guid().toLowerCase();

/** Text that every store keeps as it is: no half of a character (a lone surrogate), no U+0000. */
export const storable = z.string().refine((text) => text.isWellFormed() && !text.includes('\0'), 'Not storable as text');

/** Beside blanks: what only joins, directs or fills, and marks without a letter to stand on. */
const VISIBLE = /[^\p{Cc}\p{Cf}\p{Cs}\p{Z}\p{M}\p{Default_Ignorable_Code_Point}\u2800]/u;

const characters = new Intl.Segmenter('en', { granularity: 'grapheme' });

/** As people count them: a letter with its accents is one, and so is a family of emoji. */
function hasAtMost(max: number, text: string): boolean {
  if (text.length <= max) return true;
  let count = 0;
  for (const _ of characters.segment(text)) if ((count += 1) > max) return false;
  return true;
}

/** Some of it visible; of so many characters, and so many code units of UTF-16. */
const text = (max: { characters: number; units: number }) => storable.trim().min(1).max(max.units)
  .refine((value) => VISIBLE.test(value), 'Nothing of it can be seen')
  .refine((value) => value.length <= max.units && hasAtMost(max.characters, value), 'Too long');

/** A name, a label, a code: 1–200 characters as people count them. */
export const shortText = text({ characters: 200, units: 2_000 });

/** A story: 1–100,000 characters as people count them. */
export const longText = text({ characters: 100_000, units: 200_000 });

/** SHA-256 of a document, which is kept elsewhere: 64 digits of hex, made lower-case; `sha256:` before them is taken off. */
export const documentHash = z.string().trim().toLowerCase().overwrite((hash) => hash.replace(/^sha256:/, ''))
  .regex(/^[0-9a-f]{64}$/);

/** The version of a form, a release: no room for anything that is told of somebody. */
export const versionToken = z.string().trim().regex(/^[A-Za-z0-9._-]{1,32}$/);

/** RFC 3339 with any offset, made UTC with milliseconds, so that instants compare as strings. */
export const instant = z.iso.datetime({ offset: true }).overwrite(inUtc).refine(isOfOurCalendar, 'Year out of range');

/** A day of the calendar, YYYY-MM-DD. */
export const day = z.iso.date().refine(isOfOurCalendar, 'Year out of range');

/** As much of a day as is known (FHIR date): a year, YYYY; a month, YYYY-MM; or the day. */
export const partialDay = z.string().regex(/^\d{4}(-\d\d){0,2}$/)
  .refine((text) => day.safeParse(text + '-01-01'.slice(text.length - 4)).success, 'Not of our calendar');

/** At least one of a set of words; the order stays, repetitions go. */
export const someOf = <const Word extends string>(words: readonly Word[]) =>
  z.array(z.enum(words)).min(1).overwrite((chosen) => [...new Set(chosen)]);

/** The fields at fault, each once, as callers know them: `signature.signer`; a bad element names its list. */
export const fieldsAtFault = (error: z.ZodError): string[] =>
  [...new Set(error.issues.map((issue) => issue.path.filter((step) => typeof step !== 'number').join('.')))];

function inUtc(text: string): string {
  const at = new Date(text);
  return Number.isNaN(at.getTime()) ? text : at.toISOString();
}

/** The years 1 to 9999, out of which an offset can push the first and last hours. The calendar has no year 0. */
function isOfOurCalendar(text: string): boolean {
  return /^(?!0000)\d{4}-/.test(text);
}
