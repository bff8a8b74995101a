import { bind, type FactsContext } from '@peerbridge/command';
import { labelOf, permitsItem } from '@peerbridge/disclosure';
import { isUuid } from '@peerbridge/kernel';
import { openParticipant } from '../participant/index.js';
import {
  consentStream, draftConsent, grantConsent, liftSuspension, narrowConsent, revokeConsent, suspendConsent, type SigningFacts,
} from './decider.js';

/** The names are opened only for the person who signs by name. */
async function signingFacts(
  { access, session, input: { signature } }: FactsContext<{ signature?: { signer: string } }>,
): Promise<SigningFacts> {
  if (!access?.decision.self || !signature || isUuid(signature.signer)) return { names: [] };
  const { preferredName, legalName } = await openParticipant(session, access);
  return { names: [preferredName, legalName].filter((name) => typeof name === 'string') };
}

const recordingFacts = async ({ access, item }: FactsContext<object>) => ({
  onTeam: access?.decision.onTeam ?? false,
  visible: access !== undefined && item !== undefined && permitsItem(access.decision, labelOf(item)),
});

export const draftConsentBinding = bind(consentStream, draftConsent, { facts: signingFacts });
export const grantConsentBinding = bind(consentStream, grantConsent, { facts: signingFacts });
export const narrowConsentBinding = bind(consentStream, narrowConsent, { withdrawal: true });
export const suspendConsentBinding = bind(consentStream, suspendConsent, { facts: recordingFacts, withdrawal: true });
export const liftSuspensionBinding = bind(consentStream, liftSuspension);
export const revokeConsentBinding = bind(consentStream, revokeConsent, { facts: recordingFacts, withdrawal: true });
