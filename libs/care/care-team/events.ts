import { z } from 'zod';
import { defineEvent, workerRoles, type FactOf, type NewEventOf } from '@peerbridge/kernel';

/** Who can be on a care team: workers, and kin. */
export const teamRoles = [...workerRoles, 'family'] as const;
export type TeamRole = (typeof teamRoles)[number];

const membership = { membershipId: z.guid(), memberId: z.guid() };
const restriction = z.object({ participantId: z.guid(), memberId: z.guid() });

export const teamMemberInvited = defineEvent({
  type: 'TeamMemberInvited',
  schema: z.object({ ...membership, role: z.enum(teamRoles), organizationId: z.guid() }),
  segments: () => ['team'],
});

export const teamMemberJoined = defineEvent({
  type: 'TeamMemberJoined',
  schema: z.object({
    ...membership,
    role: z.enum(teamRoles),
    organizationId: z.guid(),
    isPrimaryPeer: z.boolean(),
    name: z.string().optional(),
  }),
  sealed: { name: 'team' },
  segments: () => ['team'],
});

export const teamMemberRemoved = defineEvent({
  type: 'TeamMemberRemoved',
  schema: z.object(membership),
  segments: () => ['team'],
});

/** The person shut a named worker out of everything but what that worker wrote. */
export const workerRestricted = defineEvent({
  type: 'WorkerRestricted', schema: restriction, segments: () => ['team'],
});

export const restrictionLifted = defineEvent({
  type: 'RestrictionLifted', schema: restriction, segments: () => ['team'],
});

export const careTeamEvents = [teamMemberInvited, teamMemberJoined, teamMemberRemoved, workerRestricted, restrictionLifted];
export type CareTeamEvent = NewEventOf<(typeof careTeamEvents)[number]>;
export type CareTeamFact = FactOf<(typeof careTeamEvents)[number]>;
