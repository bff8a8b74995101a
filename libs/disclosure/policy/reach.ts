import type { Actor, Caller, Role } from '@peerbridge/kernel';
import { openedTo } from './consent.js';
import type { RecordedFacts } from './facts.js';
import { insideProgram, openings, recordKeepers } from './tables.js';

/**
 * A reach names somebody who could have a relationship with a person: `<memberId>`, `<orgId>/<role>`, or the participant's own
 * id. Whoever has no reach in common with a person is shown nothing by any decision, so that nothing need be read for one.
 * Reaches decide nothing themselves.
 */
export type Reach = string;

const inOrganization = (orgId: string, role: Role): Reach => `${orgId}/${role}`;
/** Of those who may be shown no more than what they, or their organization, wrote. */
const asKeeper = (reach: Reach): Reach => `${reach}/wrote`;

/** By which a viewer could reach anybody. */
export function reachesOf({ memberId, orgId, role, participantId }: Caller): Reach[] {
  const bySelf = [memberId, inOrganization(orgId, role)];
  return [...bySelf, ...bySelf.map(asKeeper), ...participantId ? [participantId] : []];
}

/**
 * Who could see the person, by what is recorded of them. `true` where the person as a whole could be seen, as lists show them;
 * `false` of those who were on the team once or are invited to it, who may still have something to do there.
 */
export function reachesTo(facts: RecordedFacts): Map<Reach, boolean> {
  const { participantId, homeOrgId, team, consents, partyOrgIds } = facts;
  const reaches = new Map<Reach, boolean>();
  for (const { memberId, state } of team) reaches.set(memberId, state === 'joined' || reaches.get(memberId) === true);
  reaches.set(participantId, true);
  reaches.set(inOrganization(homeOrgId, 'supervisor'), true);
  for (const consent of consents.filter(({ state }) => state === 'active')) {
    const roles = (Object.keys(openings[consent.kind].to) as Role[])
      .filter((role) => openedTo(role, consent).segments.length > 0);
    for (const { orgId, memberId } of consent.recipients) {
      if (memberId) reaches.set(memberId, true);
      if (!orgId) continue;
      // These are reached only once they are on the team, and then by themselves: see `reaches`.
      const inside = [homeOrgId, consent.discloserOrgId].includes(orgId);
      const isParty = orgId !== homeOrgId && partyOrgIds.includes(orgId);
      for (const role of roles) {
        const onlyByTeam = (inside && insideProgram[role] !== undefined) || (role === 'peer' && !isParty);
        if (!onlyByTeam) reaches.set(inOrganization(orgId, role), true);
      }
    }
  }
  return reaches;
}

/** Who keeps a reach to whatever record they write in: its author, and the supervisors of the author's organization. */
export function reachesByWriting({ id, role }: Actor, sourceOrgId: string): Reach[] {
  return recordKeepers.has(role) ? [id, inOrganization(sourceOrgId, 'supervisor')].map(asKeeper) : [];
}
