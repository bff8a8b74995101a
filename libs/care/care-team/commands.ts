import { bind } from '@peerbridge/command';
import { careTeamStream, inviteTeamMember, joinCareTeam, liftRestriction, removeTeamMember, restrictWorker } from './decider.js';

export const inviteTeamMemberBinding = bind(careTeamStream, inviteTeamMember);
export const joinCareTeamBinding = bind(careTeamStream, joinCareTeam, {
  facts: async ({ access }) => ({ visible: access?.decision.visible ?? false }),
});
export const removeTeamMemberBinding = bind(careTeamStream, removeTeamMember, { withdrawal: true });
export const restrictWorkerBinding = bind(careTeamStream, restrictWorker, { withdrawal: true });
export const liftRestrictionBinding = bind(careTeamStream, liftRestriction);
