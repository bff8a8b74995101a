import { describe, it, expect } from '@jest/globals';
import { describeGoldenFiles } from '../../kernel/golden.js';
import { referralDeclined, referralDrafted, referralEvents } from './events.js';

describeGoldenFiles(import.meta.url, referralEvents);

describe('A referral', () => {
  const referralId = '00000000-0000-4000-8000-000000000001';

  it.each([
    ['housing', 'housing'], ['employment', 'employment'], ['education', 'education'], ['health', 'health'], ['legal', 'justice'],
    ['peerGroup', 'peer'], ['food', 'social'], ['transport', 'social'], ['other', 'social'],
  ] as const)('for %s belongs to the segment %s, whose key seals its free text', (needCategory, segment) => {
    const declined = { referralId, needCategory, reason: 'other' as const, text: 'Closed for repairs.' };
    expect(referralDeclined.segments(declined)).toEqual([segment]);
    expect(referralDeclined.sealed(declined)).toEqual({ text: segment });
    const drafted = {
      referralId, needCategory, participantId: referralId, targetOrganizationId: referralId, sharedFields: [], tellPeer: false,
      requestedBy: { memberId: referralId, role: 'person' as const, orgId: referralId },
    };
    expect(referralDrafted.sealed(drafted)).toEqual({ reason: segment });
  });
});
