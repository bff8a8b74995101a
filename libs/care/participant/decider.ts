import { z } from 'zod';
import {
  day, DomainError, forbidden, id, longText, notFound, settings, shortText, type Caller, type CommandDefinition,
  type StreamDefinition,
} from '@peerbridge/kernel';
import { participantEvents, type ParticipantEvent, type ParticipantFact } from './events.js';

export interface ParticipantState {
  enrolled: { revision: number } | undefined;
  contactsOpenToTeam: boolean;
}

export const participantStream: StreamDefinition<ParticipantState, ParticipantFact> = {
  category: 'participant',
  keyedBy: 'participant',
  events: participantEvents,
  initialState: () => ({ enrolled: undefined, contactsOpenToTeam: false }),
  evolve: (state, { type, data, revision }) => ({
    enrolled: type === 'ParticipantEnrolled' ? { revision } : state.enrolled && { revision },
    contactsOpenToTeam: data.contactsOpenToTeam ?? state.contactsOpenToTeam,
  }),
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

const enrollment = z.object({
  ...preferences,
  participantId: id.optional(),
  preferredName: shortText,
  legalName: shortText.optional(),
  birthDate: day.optional(),
  language: shortText,
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
  // Nobody is born in the future.
  faults: ({ birthDate = '' }, _caller, now) => (birthDate > now ? ['birthDate'] : []),
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

const changeable = Object.keys(preferences) as (keyof typeof preferences)[];

const change = z.object({ ...preferences, participantId: id }).superRefine((input, context) => {
  if (changeable.some((field) => input[field] !== undefined)) return;
  for (const field of changeable) context.addIssue({ code: 'custom', path: [field], message: 'Nothing to change' });
});

export interface PreferencesFacts {
  /** The caller is a current member of the person's team. */
  onTeam: boolean;
  /** Which of the preferences they may read. */
  reads: readonly string[];
}

/** Changes the given preferences, each as a whole, and leaves the others as they are. Nobody changes what they may not read. */
export const changePreferences: CommandDefinition<
  z.infer<typeof change>, ParticipantState, ParticipantEvent, PreferencesFacts
> = {
  name: 'changePreferences',
  roles: ['person', 'peer'],
  input: change,
  subject: ({ participantId }) => ({ kind: 'participant', id: participantId }),
  entity: ({ participantId }) => participantId,
  admit({ input, caller, facts }) {
    onlyThePersonOpensContacts(input, caller);
    if (caller.role === 'person') return;
    if (!facts.onTeam) throw forbidden('Not on this care team.');
    const unread = changeable.some((field) => input[field] !== undefined && !facts.reads.includes(field));
    if (unread) throw forbidden('Not without reading what stands.');
  },
  decide({ input }, { enrolled }) {
    if (!enrolled) throw notFound('participant');
    return [{ type: 'PreferencesChanged', data: input }];
  },
};

export const participantCommands = [enrollParticipant, changePreferences];
