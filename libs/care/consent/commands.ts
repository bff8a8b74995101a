import { bind, type FactsContext } from '@peerbridge/command';
import {
  consentStream, draftConsent, grantConsent, liftSuspension, narrowConsent, revokeConsent, suspendConsent,
} from './decider.js';

const teamFacts = async ({ access }: FactsContext<object>) => ({ onTeam: access?.decision.onTeam ?? false });

export const draftConsentBinding = bind(consentStream, draftConsent);
export const grantConsentBinding = bind(consentStream, grantConsent);
export const narrowConsentBinding = bind(consentStream, narrowConsent, { withdrawal: true });
export const suspendConsentBinding = bind(consentStream, suspendConsent, { facts: teamFacts, withdrawal: true });
export const liftSuspensionBinding = bind(consentStream, liftSuspension);
export const revokeConsentBinding = bind(consentStream, revokeConsent, { facts: teamFacts, withdrawal: true });
