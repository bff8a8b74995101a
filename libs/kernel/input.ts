import { z } from 'zod';

/**
 * The forms that input takes at the boundary, and in the events that keep it. All are checks and normalizations of one
 * type to itself, so that JSON Schema can be made of whatever is built from them.
 */

/** A UUID; upper case is taken and made lower. */
export const id = z.uuid().toLowerCase();

/** A name, a label, a code: 1–200 characters that are not all blank. */
export const shortText = z.string().trim().min(1).max(200);

/** A story: 1–20,000 characters that are not all blank. */
export const longText = z.string().trim().min(1).max(20_000);

/** RFC 3339 with any offset, made UTC with milliseconds, so that instants compare as strings. */
export const instant = z.iso.datetime({ offset: true }).overwrite(inUtc).refine(hasFourDigitYear, 'Year out of range');

/** A day of the calendar, YYYY-MM-DD. */
export const day = z.iso.date();

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

/** An offset can push the first and last hours of the calendar out of it. */
function hasFourDigitYear(text: string): boolean {
  return /^\d{4}-/.test(text);
}
