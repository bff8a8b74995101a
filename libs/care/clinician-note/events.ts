import { z } from 'zod';
import { defineEvent, id, longText, segments, shortText, type FactOf, type NewEventOf, type Segment } from '@peerbridge/kernel';

const mostProtectedFirst = ['counseling', 'sud', 'mh', 'health'] as const satisfies readonly Segment[];

/** The segment whose key seals a note: the most protected of those it is labelled with, else the first in the vocabulary. */
export function sealingSegment(labels: readonly Segment[]): Segment {
  return [...mostProtectedFirst, ...segments].find((one) => labels.includes(one)) ?? 'counseling';
}

export const clinicianNoteRecorded = defineEvent({
  type: 'ClinicianNoteRecorded',
  schema: z.object({
    noteId: id,
    participantId: id,
    noteType: shortText,
    body: longText,
    segments: z.array(z.enum(segments)).min(1),
    authorCredential: shortText,
    sharedWithPeer: z.boolean(),
  }),
  sealed: (data) => {
    const key = sealingSegment(data.segments);
    return { noteType: key, body: key, authorCredential: key };
  },
  segments: (data) => data.segments,
});

/** A correction that stands beside what was written, never in its place. It bears the labels of its note. */
export const clinicianNoteAmended = defineEvent({
  type: 'ClinicianNoteAmended',
  schema: z.object({
    noteId: id,
    amendmentId: id,
    body: longText,
    reason: longText,
    segments: z.array(z.enum(segments)).min(1),
  }),
  sealed: (data) => {
    const key = sealingSegment(data.segments);
    return { body: key, reason: key };
  },
  segments: (data) => data.segments,
});

export const clinicianNoteEvents = [clinicianNoteRecorded, clinicianNoteAmended];
export type ClinicianNoteEvent = NewEventOf<(typeof clinicianNoteEvents)[number]>;
export type ClinicianNoteFact = FactOf<(typeof clinicianNoteEvents)[number]>;
