import type { NeedCategory, SharedField } from './events.js';

const generalMinimum: readonly SharedField[] = ['preferredName', 'contact', 'householdSize', 'accessibility', 'reason'];

/** The most that a target of each kind needs to know to help. */
export const minimumSet: Readonly<Record<NeedCategory, readonly SharedField[]>> = {
  housing: ['preferredName', 'contact', 'householdSize', 'accessibility', 'livingSituation', 'reason'],
  employment: ['reason'],
  education: ['reason'],
  health: ['preferredName', 'contact', 'accessibility', 'reason'],
  food: generalMinimum,
  legal: generalMinimum,
  transport: generalMinimum,
  peerGroup: generalMinimum,
  other: generalMinimum,
};

/** What leaves with a referral: what was chosen, never more than the target's minimum set, in the vocabulary's order. */
export const fieldsThatLeave = (need: NeedCategory, chosen: readonly SharedField[]): SharedField[] =>
  minimumSet[need].filter((field) => chosen.includes(field));
