import type { Circle, ItemLabel } from '@peerbridge/disclosure';
import type { Referral } from './decider.js';
import { segmentOfNeed } from './events.js';

/** Who may read a referral once it is sent. It stays with those it was sent to, however it ends. */
export const circlesOnceSent = (untold: boolean): readonly Circle[] =>
  (untold ? ['parties'] : ['peers', 'treating', 'supervision', 'parties']);

/** What a referral that was sent is labelled with, as the rules know it: also where the view is not that far yet. */
export function labelOnceSent(
  { needCategory, requester, targetOrganizationId, untold }: Referral, person: { participantId: string; homeOrgId: string },
): ItemLabel {
  return {
    participantId: person.participantId,
    segments: [segmentOfNeed[needCategory]],
    sourceOrgId: requester.role === 'person' ? person.homeOrgId : requester.orgId,
    authorId: null,
    requesterId: requester.memberId,
    partyOrgId: targetOrganizationId,
    circles: circlesOnceSent(untold),
  };
}
