import { z } from 'zod';
import { defineEvent, settings, type FactOf, type NewEventOf } from '@peerbridge/kernel';

const contact = z.object({
  phone: z.string().optional(),
  email: z.string().optional(),
  address: z.string().optional(),
  okToText: z.boolean().optional(),
});

/** What can change without ending anything; the same fields, under the same segments, in both events. */
const changeable = {
  contact: contact.optional(),
  householdSize: z.number().int().optional(),
  accessibility: z.string().optional(),
  safeContact: z.string().optional(),
  doNotAskTopics: z.array(z.string()).optional(),
};

const changeableSegments = {
  contact: 'identity', householdSize: 'identity', accessibility: 'identity', safeContact: 'safety', doNotAskTopics: 'safety',
} as const;

export const participantEnrolled = defineEvent({
  type: 'ParticipantEnrolled',
  schema: z.object({
    ...changeable,
    participantId: z.guid(),
    preferredName: z.string(),
    legalName: z.string().optional(),
    birthDate: z.iso.date().optional(),
    language: z.string(),
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
    ...changeableSegments,
    preferredName: 'identity', legalName: 'identity', birthDate: 'identity', language: 'identity', interpreterNeeded: 'identity',
    emergencyContact: 'identity', regularSourceOfCare: 'health',
    pathway: 'peer', track: 'peer', enrolledVia: 'peer', setting: 'peer', primaryPeerName: 'team',
  },
  segments: () => ['identity'],
});

/** Holds the fields that changed, whole, and no others. */
export const preferencesChanged = defineEvent({
  type: 'PreferencesChanged',
  schema: z.object({
    ...changeable,
    participantId: z.guid(),
    /** The person's standing wish that peers' contacts be open to the team. */
    contactsOpenToTeam: z.boolean().optional(),
  }),
  sealed: changeableSegments,
  segments: () => ['identity'],
});

export const participantEvents = [participantEnrolled, preferencesChanged];
export type ParticipantEvent = NewEventOf<(typeof participantEvents)[number]>;
export type ParticipantFact = FactOf<(typeof participantEvents)[number]>;
