import { z } from 'zod';
import { defineEvent, id, instant, longText, settings, type FactOf, type NewEventOf } from '@peerbridge/kernel';

export const modalities = ['inPerson', 'phone', 'video', 'text', 'group'] as const;
export type Modality = (typeof modalities)[number];

/** The four kinds of support that peers give. */
export const supportTypes = ['emotional', 'informational', 'instrumental', 'affiliational'] as const;

/** SAMHSA's four dimensions of recovery. */
export const dimensions = ['health', 'home', 'purpose', 'community'] as const;

export const continuumStages = ['prevention', 'harmReduction', 'treatment', 'recovery'] as const;

export const activities = [
  'connection', 'linkage', 'coaching', 'resource', 'accompaniment', 'sharedActivity', 'skill', 'problemSolving', 'decisionMaking',
  'coping', 'dailyLiving', 'advocacy',
] as const;

/** Written before skills had the words of the domain; still read. */
const formerActivities = ['skillProblemSolving', 'skillDecisionMaking', 'skillCoping', 'skillDailyLiving'] as const;

/** A contact is between the two of them unless the person opens it to the team. */
export const visibilities = ['personAndPeer', 'team'] as const;
export type Visibility = (typeof visibilities)[number];

/** What somebody tells of a contact, beside when and how it was. Version 1 of a contact sealed its texts alone. */
const sealed = {
  setting: 'peer', continuumStage: 'peer', supportTypes: 'peer', activities: 'peer', dimensions: 'peer', summary: 'peer',
  narrative: 'peer', livedExperienceShared: 'peer',
} as const;

export const peerContactLogged = defineEvent({
  type: 'PeerContactLogged',
  version: 2,
  schema: z.object({
    contactId: id,
    participantId: id,
    startedAt: instant,
    endedAt: instant,
    modality: z.enum(modalities),
    setting: z.enum(settings).optional(),
    continuumStage: z.enum(continuumStages).optional(),
    supportTypes: z.array(z.enum(supportTypes)).min(1),
    activities: z.array(z.enum([...activities, ...formerActivities])),
    dimensions: z.array(z.enum(dimensions)),
    goalIds: z.array(id),
    summary: longText,
    narrative: longText.optional(),
    coAuthored: z.boolean(),
    livedExperienceShared: z.boolean(),
    visibility: z.enum(visibilities),
  }),
  sealed,
  segments: () => ['peer'],
  upcasters: { 1: (data) => data },
});

/** The person opened the contact to the team, or closed it again. */
export const contactVisibilitySet = defineEvent({
  type: 'ContactVisibilitySet',
  schema: z.object({ contactId: id, visibility: z.enum(visibilities) }),
  segments: () => ['peer'],
});

/** Its author corrected what they wrote: what is absent stands as it was, null takes it out. Who sees it stays the person's. */
export const peerContactAmended = defineEvent({
  type: 'PeerContactAmended',
  schema: z.object({
    contactId: id,
    startedAt: instant.optional(),
    endedAt: instant.optional(),
    modality: z.enum(modalities).optional(),
    setting: z.enum(settings).nullable().optional(),
    continuumStage: z.enum(continuumStages).nullable().optional(),
    supportTypes: z.array(z.enum(supportTypes)).min(1).optional(),
    activities: z.array(z.enum(activities)).optional(),
    dimensions: z.array(z.enum(dimensions)).optional(),
    goalIds: z.array(id).optional(),
    summary: longText.optional(),
    narrative: longText.nullable().optional(),
    coAuthored: z.boolean().optional(),
    livedExperienceShared: z.boolean().optional(),
  }),
  sealed,
  segments: () => ['peer'],
});

/** Its author struck it out: it stays for the two of them, marked, and is gone for everybody else. */
export const contactEnteredInError = defineEvent({
  type: 'ContactEnteredInError',
  schema: z.object({ contactId: id, reason: longText }),
  sealed: { reason: 'peer' },
  segments: () => ['peer'],
});

export const peerContactEvents = [peerContactLogged, contactVisibilitySet, peerContactAmended, contactEnteredInError];
export type PeerContactEvent = NewEventOf<(typeof peerContactEvents)[number]>;
export type PeerContactFact = FactOf<(typeof peerContactEvents)[number]>;
