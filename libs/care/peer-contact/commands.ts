import { bind, type FactsContext } from '@peerbridge/command';
import { membershipThen } from '../care-team/index.js';
import {
  amendPeerContact, logPeerContact, markContactEnteredInError, peerContactStream, setContactVisibility, type PeerContactFacts,
} from './decider.js';

async function contactFacts(context: FactsContext<{ startedAt: string }>): Promise<PeerContactFacts> {
  const { access, input: { startedAt }, occurredAt } = context;
  return {
    membership: membershipThen(context, occurredAt === startedAt),
    visible: access?.decision.visible ?? false, contactsOpenToTeam: access?.facts.contactsOpenToTeam ?? false,
  };
}

export const logPeerContactBinding = bind(peerContactStream, logPeerContact, { facts: contactFacts });
export const setContactVisibilityBinding = bind(peerContactStream, setContactVisibility, {
  withdrawal: ({ visibility }) => visibility === 'personAndPeer',
});
export const amendPeerContactBinding = bind(peerContactStream, amendPeerContact);
export const markContactEnteredInErrorBinding = bind(peerContactStream, markContactEnteredInError, { withdrawal: true });
