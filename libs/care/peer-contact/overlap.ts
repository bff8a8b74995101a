import type { Modality } from './events.js';

/** From `startedAt` up to, and without, `endedAt`; RFC 3339 UTC with milliseconds, which compare as text. */
export interface Interval {
  startedAt: string;
  endedAt: string;
}

/** Contacts back to back do not overlap. */
export const overlap = (one: Interval, other: Interval): boolean =>
  one.startedAt < other.endedAt && other.startedAt < one.endedAt;

/**
 * Of the contacts of one peer, the ids of the one-to-one ones that overlap another: flagged and not billable, never
 * refused. A group has several people at a time and is left out.
 */
export function overlappingContacts(contacts: readonly (Interval & { contactId: string; modality: Modality })[]): Set<string> {
  const inOrder = contacts.filter((one) => one.modality !== 'group').sort((a, b) => (a.startedAt < b.startedAt ? -1 : 1));
  const flagged = new Set<string>();
  let last: (typeof inOrder)[number] | undefined;
  for (const contact of inOrder) {
    // Whatever overlaps this one and started before it also reaches to the latest end so far.
    if (last && overlap(last, contact)) flagged.add(last.contactId).add(contact.contactId);
    if (!last || contact.endedAt > last.endedAt) last = contact;
  }
  return flagged;
}
