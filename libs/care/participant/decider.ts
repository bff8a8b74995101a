import { z } from 'zod';
import {
  DomainError, forbidden, id, longText, notFound, partialDay, settings, shortText, type Caller, type CommandDefinition,
  type StreamDefinition,
} from '@peerbridge/kernel';
import { participantEvents, replaceableSegments, type ParticipantEvent, type ParticipantFact } from './events.js';

export interface ParticipantState {
  enrolled: { revision: number } | undefined;
  contactsOpenToTeam: boolean;
}

export const participantStream: StreamDefinition<ParticipantState, ParticipantFact> = {
  category: 'participant',
  keyedBy: 'participant',
  events: participantEvents,
  initialState: () => ({ enrolled: undefined, contactsOpenToTeam: false }),
  evolve(state, fact) {
    const { type, revision } = fact;
    const enrolled = type === 'ParticipantEnrolled' ? { revision } : state.enrolled && { revision };
    if (type === 'ParticipantCorrected') return { ...state, enrolled };
    return { enrolled, contactsOpenToTeam: fact.data.contactsOpenToTeam ?? state.contactsOpenToTeam };
  },
  entityOf: (fact) => fact.data.participantId,
};

const preferences = {
  safeContact: longText.optional(),
  doNotAskTopics: z.array(shortText).max(100).optional(),
  contact: z.object({
    phone: shortText.optional(),
    email: shortText.optional(),
    address: shortText.optional(),
    okToText: z.boolean().optional(),
  }).optional(),
  householdSize: z.number().int().min(1).max(100).optional(),
  accessibility: longText.optional(),
  contactsOpenToTeam: z.boolean().optional(),
};

const particulars = {
  preferredName: shortText,
  legalName: shortText.optional(),
  birthDate: partialDay.optional(),
  language: shortText,
};

/** Nobody is born in the future. */
const bornByNow = ({ birthDate }: { birthDate?: string | null }, _caller: Caller, now: string): string[] =>
  (birthDate && birthDate > now ? ['birthDate'] : []);

const enrollment = z.object({
  ...preferences,
  ...particulars,
  participantId: id.optional(),
  interpreterNeeded: z.boolean().optional(),
  emergencyContact: longText.optional(),
  regularSourceOfCare: longText.optional(),
  pathway: z.array(shortText).max(100).optional(),
  track: shortText.optional(),
  enrolledVia: shortText.optional(),
  setting: z.enum(settings).optional(),
});
type Enrollment = z.infer<typeof enrollment>;

const enrolledId = ({ participantId }: Enrollment, caller: Caller, newId: () => string): string =>
  participantId ?? (caller.role === 'person' ? caller.participantId : undefined) ?? newId();

/** A worker may not open what the two of them keep between them: only the person decides that. */
function onlyThePersonOpensContacts({ contactsOpenToTeam }: { contactsOpenToTeam?: boolean }, { role }: Caller): void {
  if (contactsOpenToTeam !== undefined && role !== 'person') throw forbidden('Only the person opens contacts to the team.');
}

export interface EnrollingFacts {
  /** The caller sees who is enrolled by that id already, as far as their version. */
  knowsVersion: boolean;
}

/**
 * A person enrolls themself; a peer who enrolls someone is that person's primary peer at once. That an id is taken is said last,
 * and alike whoever has it.
 * @throws DomainError VERSION_CONFLICT where the id is taken
 */
export const enrollParticipant: CommandDefinition<Enrollment, ParticipantState, ParticipantEvent, EnrollingFacts> = {
  name: 'enrollParticipant',
  roles: ['peer', 'supervisor', 'person'],
  input: enrollment,
  faults: bornByNow,
  subject(input, caller, newId) {
    const participantId = enrolledId(input, caller, newId);
    return { kind: 'unborn', type: 'participant', id: participantId, participantId };
  },
  admit({ input, caller, newId }) {
    if (caller.role === 'person' && enrolledId(input, caller, newId) !== caller.participantId) {
      throw forbidden('A person enrolls nobody but themself.');
    }
    onlyThePersonOpensContacts(input, caller);
  },
  decide({ input, caller, newId, facts }, { enrolled }) {
    if (enrolled) {
      const details = facts.knowsVersion ? { actualVersion: enrolled.revision } : {};
      throw new DomainError('VERSION_CONFLICT', 'This id is taken.', details);
    }
    return [{
      type: 'ParticipantEnrolled',
      data: {
        ...input,
        participantId: enrolledId(input, caller, newId),
        contactsOpenToTeam: input.contactsOpenToTeam ?? false,
        ...(caller.role === 'peer' && {
          primaryPeer: { membershipId: newId('membership'), memberId: caller.memberId, orgId: caller.orgId },
          ...(caller.name && { primaryPeerName: caller.name }),
        }),
      },
    }];
  },
};

/** Of one who writes in the person's own record. */
export interface RecordFacts {
  /** They are a current member of the person's team. */
  onTeam: boolean;
  /** They act for the organization that enrolled the person. */
  ofHomeOrganization: boolean;
  /** The participant's fields that they may read: nobody overwrites what they may not. */
  reads: readonly string[];
}

/** @throws DomainError FORBIDDEN_ROLE */
function onlyWhatTheyRead(input: object, fields: readonly string[], { reads }: RecordFacts): void {
  if (given(input, fields).some((field) => !reads.includes(field))) throw forbidden('Not without reading what stands.');
}

/** Those of the fields that the input speaks of: null takes one out. */
const given = (input: object, fields: readonly string[]): string[] =>
  fields.filter((field) => (input as Record<string, unknown>)[field] !== undefined);

/** An input that speaks of none of the fields is refused with all of them. */
const someGiven = (fields: readonly string[]) => (input: object, context: z.RefinementCtx) => {
  if (given(input, fields).length > 0) return;
  for (const field of fields) context.addIssue({ code: 'custom', path: [field], message: 'Nothing to change' });
};

/** The names of what the event seals. */
const held = (input: object) =>
  (Object.keys(input) as (keyof typeof input)[]).filter((field) => input[field] !== undefined && field in replaceableSegments);

const changeable = Object.keys(preferences);

const change = z.object({
  ...preferences,
  householdSize: preferences.householdSize.nullable(),
  accessibility: preferences.accessibility.nullable(),
  safeContact: preferences.safeContact.nullable(),
  participantId: id,
}).superRefine(someGiven(changeable));

/** Changes the given preferences, each as a whole, and leaves the others as they are. */
export const changePreferences: CommandDefinition<z.infer<typeof change>, ParticipantState, ParticipantEvent, RecordFacts> = {
  name: 'changePreferences',
  roles: ['person', 'peer'],
  input: change,
  clearable: ['householdSize', 'accessibility', 'safeContact'],
  subject: ({ participantId }) => ({ kind: 'participant', id: participantId }),
  entity: ({ participantId }) => participantId,
  admit({ input, caller, facts }) {
    onlyThePersonOpensContacts(input, caller);
    if (caller.role === 'person') return;
    if (!facts.onTeam) throw forbidden('Not on this care team.');
    onlyWhatTheyRead(input, changeable, facts);
  },
  decide({ input }, { enrolled }) {
    if (!enrolled) throw notFound('participant');
    return [{ type: 'PreferencesChanged', data: { ...input, holds: held(input) } }];
  },
};

const correction = z.object({
  preferredName: particulars.preferredName.optional(),
  legalName: particulars.legalName.nullable(),
  birthDate: particulars.birthDate.nullable(),
  language: particulars.language.optional(),
  participantId: id,
}).superRefine(someGiven(Object.keys(particulars)));

/** The person, or somebody of their program who walks with them, puts right what was written down wrong. */
export const correctParticipant: CommandDefinition<
  z.infer<typeof correction>, ParticipantState, ParticipantEvent, RecordFacts
> = {
  name: 'correctParticipant',
  roles: ['person', 'peer', 'supervisor'],
  input: correction,
  clearable: ['legalName', 'birthDate'],
  faults: bornByNow,
  subject: ({ participantId }) => ({ kind: 'participant', id: participantId }),
  entity: ({ participantId }) => participantId,
  admit({ input, caller, facts }) {
    if (caller.role === 'person') return;
    const ofTheirProgram = facts.ofHomeOrganization && (facts.onTeam || caller.role === 'supervisor');
    if (!ofTheirProgram) throw forbidden('Not of this person\'s program, or not on the team.');
    onlyWhatTheyRead(input, Object.keys(particulars), facts);
  },
  decide({ input }, { enrolled }) {
    if (!enrolled) throw notFound('participant');
    return [{ type: 'ParticipantCorrected', data: { ...input, holds: held(input) } }];
  },
};

export const participantCommands = [enrollParticipant, changePreferences, correctParticipant];
