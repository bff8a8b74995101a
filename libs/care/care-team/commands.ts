import { bind, type FactsContext } from '@peerbridge/command';
import { permitsSegment } from '@peerbridge/disclosure';
import { careTeamStream, inviteTeamMember, joinCareTeam, liftRestriction, removeTeamMember, restrictWorker } from './decider.js';

const teamFacts = async ({ access, caller }: FactsContext<object>) => ({
  onTeam: access?.decision.onTeam ?? false,
  readsTeam: access !== undefined && permitsSegment(access.decision, 'team', access.facts.homeOrgId),
  ofHomeOrganization: access?.facts.homeOrgId === caller.orgId,
});

export const inviteTeamMemberBinding = bind(careTeamStream, inviteTeamMember, { facts: teamFacts });
export const joinCareTeamBinding = bind(careTeamStream, joinCareTeam, {
  facts: async ({ access, caller: { memberId } }) => ({
    visible: access?.decision.visible ?? false,
    invited: access?.facts.team.findLast((member) => member.memberId === memberId),
    restricted: access?.facts.restrictedMemberIds.includes(memberId) ?? false,
  }),
});
export const removeTeamMemberBinding = bind(careTeamStream, removeTeamMember, { facts: teamFacts, withdrawal: true });
export const restrictWorkerBinding = bind(careTeamStream, restrictWorker, { withdrawal: true });
export const liftRestrictionBinding = bind(careTeamStream, liftRestriction);
