import { bind, type FactsContext } from '@peerbridge/command';
import { permitsItem, reachesOrganization, type PersonAccess } from '@peerbridge/disclosure';
import type { Role } from '@peerbridge/kernel';
import {
  acceptReferral, closeUnconfirmedReferral, confirmReferral, declineReferral, deliverReferral, disputeReferral,
  draftReferral, failReferral, holdReferral,
  markReferralEnteredInError, referralStream, reopenReferral, sendReferral, startReferral, withdrawReferral,
  type SendReferralFacts,
} from './decider.js';
import { segmentOfNeed, type NeedCategory } from './events.js';
import { labelOnceSent } from './label.js';
import { referralTable } from './read-model.js';

/** In which roles the target's members may read a referral of each kind. */
const rolesOfTarget: Readonly<Record<NeedCategory, readonly Role[]>> = {
  housing: ['housing', 'other'], employment: ['employer', 'other'], education: ['educator', 'other'],
  health: ['clinician', 'physician', 'other'], food: ['other'], legal: ['other', 'justice'], transport: ['other'],
  peerGroup: ['other', 'peer'], other: ['other', 'peer', 'clinician', 'physician'],
};

async function sendFacts({ session, access, item, now }: FactsContext<{ referralId: string }>): Promise<SendReferralFacts> {
  const row = item && await session.content(referralTable, item.id);
  if (!access || !row || !item) return { visible: false, consentIds: [], sees: () => false };
  const need = row.need_category;
  return {
    visible: access.decision.visible,
    consentIds: reachesOrganization(
      access.facts, item.source_org_id, row.target_org_id, segmentOfNeed[need], rolesOfTarget[need], now,
    ),
    sees: (other) => permitsItem(access.decision, labelOnceSent(other, access.facts)),
  };
}

const seesPerson = (access: PersonAccess | undefined): boolean => access?.decision.visible ?? false;
const requesterFacts = async ({ access }: FactsContext<object>) => ({ visible: seesPerson(access) });

export const draftReferralBinding = bind(referralStream, draftReferral, {
  facts: async ({ input, session, access }) => ({
    visible: seesPerson(access), targetRegistered: await session.organizationIsRegistered(input.targetOrganizationId),
  }),
});
export const sendReferralBinding = bind(referralStream, sendReferral, { facts: sendFacts });
export const acceptReferralBinding = bind(referralStream, acceptReferral);
export const declineReferralBinding = bind(referralStream, declineReferral);
export const holdReferralBinding = bind(referralStream, holdReferral);
export const startReferralBinding = bind(referralStream, startReferral);
export const deliverReferralBinding = bind(referralStream, deliverReferral);
export const reopenReferralBinding = bind(referralStream, reopenReferral);
export const failReferralBinding = bind(referralStream, failReferral);
export const confirmReferralBinding = bind(referralStream, confirmReferral);
export const closeUnconfirmedReferralBinding = bind(referralStream, closeUnconfirmedReferral, { facts: requesterFacts });
export const disputeReferralBinding = bind(referralStream, disputeReferral);
export const withdrawReferralBinding = bind(referralStream, withdrawReferral, { facts: requesterFacts });
export const markReferralEnteredInErrorBinding = bind(referralStream, markReferralEnteredInError, {
  facts: requesterFacts,
});
