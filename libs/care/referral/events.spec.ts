import { describe, it, expect } from '@jest/globals';
import { testEvents } from '../../kernel/golden.js';
import { needCategories, referralEvents, referralFailed } from './events.js';

describe('The events of a referral', () => {
  testEvents(referralEvents, import.meta.url, {
    ReferralDrafted: { housing: ['reason'] },
    ReferralSent: {},
    ReferralAccepted: {},
    ReferralDeclined: { housing: ['reason', 'text'] },
    ReferralHeld: { housing: ['reason', 'text'] },
    ReferralStarted: {},
    ReferralReopened: {},
    ServiceDelivered: {},
    LoopConfirmed: { housing: ['gotHelp'] },
    LoopClosedUnconfirmed: {},
    LoopDisputed: { housing: ['text'] },
    ReferralFailed: { housing: ['text'] },
    ReferralWithdrawn: { housing: ['reason'] },
    ReferralEnteredInError: { housing: ['reason'] },
  });

  it('belong to the segment of the need, and are sealed under its key', () => {
    const segmentsOf = needCategories.map((needCategory) => {
      const failed = { referralId: '00000000-0000-4000-8000-000000000001', needCategory, text: 'Closed for repairs.' };
      expect(referralFailed.segments(failed)).toEqual([referralFailed.sealed(failed).text]);
      return [needCategory, ...referralFailed.segments(failed)];
    });
    expect(segmentsOf).toEqual([
      ['housing', 'housing'], ['employment', 'employment'], ['education', 'education'], ['health', 'health'], ['food', 'social'],
      ['legal', 'justice'], ['transport', 'social'], ['peerGroup', 'peer'], ['other', 'social'],
    ]);
  });
});
