import { z } from 'zod';
import {
  forbidden, id, invalid, longText, notFound, segments, shortText, someOf,
  type CommandDefinition, type Segment, type StreamDefinition,
} from '@peerbridge/kernel';
import { clinicianNoteEvents, type ClinicianNoteEvent, type ClinicianNoteFact } from './events.js';

/** What the rules need of a note, once it is written. */
export interface ClinicianNoteState {
  note?: { author: { memberId: string; orgId: string }; segments: readonly Segment[]; amendments: number };
}

export const clinicianNoteStream: StreamDefinition<ClinicianNoteState, ClinicianNoteFact> = {
  category: 'clinicianNote',
  keyedBy: 'entity',
  events: clinicianNoteEvents,
  initialState: () => ({}),
  evolve({ note }, fact) {
    switch (fact.type) {
      case 'ClinicianNoteRecorded': {
        const { actor: { id: memberId, orgId }, data } = fact;
        return { note: { author: { memberId, orgId }, segments: data.segments, amendments: 0 } };
      }
      case 'ClinicianNoteAmended':
        return note ? { note: { ...note, amendments: note.amendments + 1 } } : {};
    }
  },
  entityOf: (fact) => fact.data.noteId,
};

/**
 * What is never a counseling note, however it is labelled (45 CFR 164.501): times, modality, medication, diagnosis, plan
 * and progress, by the words of the note's type (`treatmentPlan`, `Progress note`).
 */
const neverCounseling = new Set([
  'time', 'times', 'modality', 'modalities', 'medication', 'medications', 'diagnosis', 'diagnoses', 'plan', 'plans', 'progress',
  'vitals', 'attendance',
]);

const mayBeCounseling = (noteType: string): boolean => !noteType
  .replace(/([a-z])([A-Z])/g, '$1 $2').toLowerCase().split(/[^a-z]+/)
  .some((word) => neverCounseling.has(word));

const recordInput = z.object({
  participantId: id,
  noteType: shortText,
  body: longText,
  segments: someOf(segments),
  authorCredential: shortText,
  sharedWithPeer: z.boolean().default(false),
}).refine((note) => !note.segments.includes('counseling') || mayBeCounseling(note.noteType), {
  path: ['segments'], message: 'A note of this type cannot be labelled counseling.',
});

export interface ClinicianNoteFacts {
  /** They see the person. */
  visible: boolean;
  /** Theirs on this person's team, now and at `occurredAt`. */
  membership: 'current' | 'notThen' | 'former' | 'none';
  /** `occurredAt` lies before the person was enrolled. */
  beforeEnrollment: boolean;
}

/** Who has left the team no longer sees the person, and may still enter what happened before. */
export const recordClinicianNote: CommandDefinition<
  z.infer<typeof recordInput>, ClinicianNoteState, ClinicianNoteEvent, ClinicianNoteFacts
> = {
  name: 'recordClinicianNote',
  roles: ['clinician', 'physician'],
  input: recordInput,
  subject: ({ participantId }) => ({ kind: 'participant', id: participantId, unseen: true }),
  admit({ facts }) {
    if (!facts.visible && facts.membership !== 'former') throw notFound('participant');
  },
  decide({ input, newId, facts }) {
    if (facts.membership === 'notThen' || facts.beforeEnrollment) {
      throw invalid('Not of the person\'s time here, or not of the author\'s on the team.', 'occurredAt');
    }
    return [{ type: 'ClinicianNoteRecorded', data: { noteId: newId(), ...input } }];
  },
};

/** All of them lie in one row of the view. */
export const mostAmendments = 50;

const amendInput = z.object({ noteId: id, body: longText, reason: longText });

/**
 * A correction by who wrote the note, in the record where they wrote it.
 * @throws DomainError VALIDATION where it was amended `mostAmendments` times: what is still to be said is a note of its own
 */
export const amendClinicianNote: CommandDefinition<z.infer<typeof amendInput>, ClinicianNoteState, ClinicianNoteEvent> = {
  name: 'amendClinicianNote',
  roles: ['clinician', 'physician'],
  input: amendInput,
  subject: ({ noteId }) => ({ kind: 'item', type: 'clinicianNote', id: noteId }),
  entity: ({ noteId }) => noteId,
  authorize({ caller }, { note }) {
    if (!note) throw notFound('note');
    if (note.author.memberId !== caller.memberId || note.author.orgId !== caller.orgId) {
      throw forbidden('Only its author amends a note.');
    }
  },
  decide({ input, newId }, { note }) {
    if (!note) throw notFound('note');
    if (note.amendments >= mostAmendments) throw invalid(`Amended ${mostAmendments} times: record another note.`, 'noteId');
    return [{ type: 'ClinicianNoteAmended', data: { amendmentId: newId(), ...input, segments: [...note.segments] } }];
  },
};

export const clinicianNoteCommands = [recordClinicianNote, amendClinicianNote];
