import { bind, type FactsContext } from '@peerbridge/command';
import { logPeerContact, peerContactStream, setContactVisibility, type PeerContactFacts } from './decider.js';

/** A former member of the team counts where they were on it when it happened (late entry). */
async function contactFacts({ access, caller, occurredAt }: FactsContext<object>): Promise<PeerContactFacts> {
  const own = (access?.facts.team ?? []).filter(({ memberId, role, orgId }) => (
    memberId === caller.memberId && role === caller.role && orgId === caller.orgId));
  const stood = own.some(({ joinedAt, removedAt }) =>
    joinedAt !== undefined && joinedAt <= occurredAt && occurredAt < (removedAt ?? ''));
  return {
    membership: access?.decision.onTeam ? 'current' : stood ? 'former' : 'none',
    contactsOpenToTeam: access?.facts.contactsOpenToTeam ?? false,
  };
}

export const logPeerContactBinding = bind(peerContactStream, logPeerContact, { facts: contactFacts });
export const setContactVisibilityBinding = bind(peerContactStream, setContactVisibility, {
  withdrawal: ({ visibility }) => visibility === 'personAndPeer',
});
