import { memberIdOf, roles, type Role } from '@peerbridge/kernel';
import { v5 } from 'uuid';
import type { RequestedClaims } from './claims.js';
import { DEV_ISSUER } from './dev-issuer.js';

/** The cast of development: the same ids on every machine, at every start. */
const fixtureId = (what: string): string => v5(`https://peerbridge.dev/fixture/${what}`, v5.URL);

export interface FixtureOrganization {
  id: string;
  name: string;
  /** What outsiders call a Part 2 program: neutral, so that its name gives nobody away. */
  alias?: string;
  part2Program: boolean;
}

export const fixtureOrganizations = {
  OrgR: { id: fixtureId('OrgR'), name: 'Riverside Recovery Center', alias: 'RC Services', part2Program: true },
  OrgC: { id: fixtureId('OrgC'), name: 'Cedar Street Clinic', part2Program: false },
  OrgED: { id: fixtureId('OrgED'), name: 'County Hospital Emergency Department', part2Program: false },
  OrgH: { id: fixtureId('OrgH'), name: 'Harbor Housing', part2Program: false },
  OrgE: { id: fixtureId('OrgE'), name: 'Elm Street Bakery', part2Program: false },
  OrgS: { id: fixtureId('OrgS'), name: 'Southside Community College', part2Program: false },
  OrgJ: { id: fixtureId('OrgJ'), name: 'County Probation Office', part2Program: false },
  OrgO: { id: fixtureId('OrgO'), name: 'Open Table Food Pantry', part2Program: false },
  OrgA: { id: fixtureId('OrgA'), name: 'Assured Audits', part2Program: false },
  OrgI: { id: fixtureId('OrgI'), name: 'Interchange Data Services', part2Program: false },
} as const satisfies Record<string, FixtureOrganization>;
export type FixtureOrganizationKey = keyof typeof fixtureOrganizations;

/** The one person of the cast, who is enrolled by nobody yet, and whose kin the family member is. */
export const fixtureParticipantId = fixtureId('P1');

export interface FixtureMember {
  memberId: string;
  sub: string;
  name: string;
  role: Role;
  orgId: string;
  participantId?: string;
}

const cast: Record<Role, [name: string, organization: FixtureOrganizationKey | 'their own']> = {
  person: ['Jordan Rivera', 'OrgR'],
  family: ['Alex Rivera', 'their own'],
  peer: ['Sam Okafor', 'OrgR'],
  supervisor: ['Dana Whitfield', 'OrgR'],
  clinician: ['Priya Raman', 'OrgC'],
  physician: ['Lee Hoffman', 'OrgED'],
  housing: ['Morgan Castillo', 'OrgH'],
  employer: ['Chris Novak', 'OrgE'],
  educator: ['Robin Adeyemi', 'OrgS'],
  justice: ['Terry Lindqvist', 'OrgJ'],
  other: ['Jamie Sato', 'OrgO'],
  auditor: ['Pat Moreau', 'OrgA'],
  privacyOfficer: ['Casey Brandt', 'OrgR'],
  integrator: ['Interchange', 'OrgI'],
};

/** One member per role. */
export const fixtureMembers = Object.fromEntries(roles.map((role) => [role, memberOf(role)])) as Record<Role, FixtureMember>;

function memberOf(role: Role): FixtureMember {
  const [name, organization] = cast[role];
  const sub = `fixture-${role}`;
  return {
    memberId: memberIdOf(DEV_ISSUER, sub), sub, name, role,
    orgId: organization === 'their own' ? fixtureParticipantId : fixtureOrganizations[organization].id,
    ...((role === 'person' || role === 'family') && { participantId: fixtureParticipantId }),
  };
}

/** What to ask of the issuer of development to be that member. */
export function fixtureClaims(role: Role): RequestedClaims {
  const { sub, name, orgId, participantId } = fixtureMembers[role];
  return { sub, role, name, org_id: orgId, ...(participantId && { participant_id: participantId }) };
}
