import { bind, type FactsContext } from '@peerbridge/command';
import { membershipThen } from '../care-team/index.js';
import { logPeerContact, peerContactStream, setContactVisibility, type PeerContactFacts } from './decider.js';

async function contactFacts(context: FactsContext<object>): Promise<PeerContactFacts> {
  const { access } = context;
  return {
    membership: membershipThen(context), visible: access?.decision.visible ?? false,
    contactsOpenToTeam: access?.facts.contactsOpenToTeam ?? false,
  };
}

export const logPeerContactBinding = bind(peerContactStream, logPeerContact, { facts: contactFacts });
export const setContactVisibilityBinding = bind(peerContactStream, setContactVisibility, {
  withdrawal: ({ visibility }) => visibility === 'personAndPeer',
});
