import { z } from 'zod';
import { defineEvent, partialDay, settings, type FactOf, type NewEventOf } from '@peerbridge/kernel';

const contact = z.object({
  phone: z.string().optional(),
  email: z.string().optional(),
  address: z.string().optional(),
  okToText: z.boolean().optional(),
});

/** What can change without ending anything; the same fields, under the same segments, wherever they are held. */
const changeable = {
  contact: contact.optional(),
  householdSize: z.number().int().optional(),
  accessibility: z.string().optional(),
  safeContact: z.string().optional(),
  doNotAskTopics: z.array(z.string()).optional(),
};

/** What may have been written down wrong. */
const correctable = {
  preferredName: z.string(),
  legalName: z.string().optional(),
  birthDate: partialDay.optional(),
  language: z.string(),
};

const changeableSegments = {
  contact: 'identity', householdSize: 'identity', accessibility: 'identity', safeContact: 'safety', doNotAskTopics: 'safety',
} as const;
const correctableSegments = {
  preferredName: 'identity', legalName: 'identity', birthDate: 'identity', language: 'identity',
} as const;

/** Where a later event can say anew what an earlier one said. */
export const replaceableSegments = { ...changeableSegments, ...correctableSegments } as const;
export type ReplaceableField = keyof typeof replaceableSegments;

/** The names of the sealed fields that the event holds: what nobody will read any more can be let go unopened. */
const holds = <Field extends ReplaceableField>(segments: Readonly<Record<Field, unknown>>) =>
  z.array(z.enum(Object.keys(segments) as [Field, ...Field[]]));

export const participantEnrolled = defineEvent({
  type: 'ParticipantEnrolled',
  // Version 1 knew the day of birth, or nothing of it.
  version: 2,
  schema: z.object({
    ...changeable,
    ...correctable,
    participantId: z.guid(),
    interpreterNeeded: z.boolean().optional(),
    emergencyContact: z.string().optional(),
    regularSourceOfCare: z.string().optional(),
    pathway: z.array(z.string()).optional(),
    track: z.string().optional(),
    enrolledVia: z.string().optional(),
    setting: z.enum(settings).optional(),
    contactsOpenToTeam: z.boolean(),
    /** The enrolling peer, on the team from this event on. */
    primaryPeer: z.object({ membershipId: z.guid(), memberId: z.guid(), orgId: z.guid() }).optional(),
    primaryPeerName: z.string().optional(),
  }),
  sealed: {
    ...changeableSegments, ...correctableSegments,
    interpreterNeeded: 'identity', emergencyContact: 'identity', regularSourceOfCare: 'health',
    pathway: 'peer', track: 'peer', enrolledVia: 'peer', setting: 'peer', primaryPeerName: 'team',
  },
  segments: () => ['identity'],
  upcasters: { 1: (data) => data },
});

/** Holds the fields that changed, whole, and no others; null takes one out. */
export const preferencesChanged = defineEvent({
  type: 'PreferencesChanged',
  version: 2,
  schema: z.object({
    ...changeable,
    householdSize: changeable.householdSize.nullable(),
    accessibility: changeable.accessibility.nullable(),
    safeContact: changeable.safeContact.nullable(),
    participantId: z.guid(),
    /** Version 1 does not say. */
    holds: holds(changeableSegments).optional(),
    /** The person's standing wish that peers' contacts be open to the team. */
    contactsOpenToTeam: z.boolean().optional(),
  }),
  sealed: changeableSegments,
  segments: () => ['identity'],
  upcasters: { 1: (data) => data },
});

/** What was written down wrong, or is called otherwise by now; null takes it out. */
export const participantCorrected = defineEvent({
  type: 'ParticipantCorrected',
  schema: z.object({
    preferredName: correctable.preferredName.optional(),
    legalName: correctable.legalName.nullable(),
    birthDate: correctable.birthDate.nullable(),
    language: correctable.language.optional(),
    participantId: z.guid(),
    holds: holds(correctableSegments),
  }),
  sealed: correctableSegments,
  segments: () => ['identity'],
});

export const participantEvents = [participantEnrolled, preferencesChanged, participantCorrected];
export type ParticipantEvent = NewEventOf<(typeof participantEvents)[number]>;
export type ParticipantFact = FactOf<(typeof participantEvents)[number]>;
