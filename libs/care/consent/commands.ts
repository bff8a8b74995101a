import { bind, type FactsContext } from '@peerbridge/command';
import { labelOf, permitsItem } from '@peerbridge/disclosure';
import {
  consentStream, draftConsent, grantConsent, liftSuspension, narrowConsent, revokeConsent, suspendConsent,
} from './decider.js';

const recordingFacts = async ({ access, item }: FactsContext<object>) => ({
  onTeam: access?.decision.onTeam ?? false,
  visible: access !== undefined && item !== undefined && permitsItem(access.decision, labelOf(item)),
});

export const draftConsentBinding = bind(consentStream, draftConsent);
export const grantConsentBinding = bind(consentStream, grantConsent);
export const narrowConsentBinding = bind(consentStream, narrowConsent, { withdrawal: true });
export const suspendConsentBinding = bind(consentStream, suspendConsent, { facts: recordingFacts, withdrawal: true });
export const liftSuspensionBinding = bind(consentStream, liftSuspension);
export const revokeConsentBinding = bind(consentStream, revokeConsent, { facts: recordingFacts, withdrawal: true });
