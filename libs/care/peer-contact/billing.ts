const MINUTE = 60_000;
const MINUTES_PER_UNIT = 15;

/**
 * How minutes become units of H0038 (peer support, per 15 minutes). A payer's policy, not ours:
 * - midpoint: a started unit counts from its 8th minute on (the "8-minute rule"): 7 min → 0, 8 → 1, 22 → 1, 23 → 2, 52 → 3
 * - completed: only full units count: 14 min → 0, 15 → 1, 52 → 3
 */
export const roundingPolicies = {
  midpoint: (minutes: number) => Math.floor((minutes + 7) / MINUTES_PER_UNIT),
  completed: (minutes: number) => Math.floor(minutes / MINUTES_PER_UNIT),
} as const;
export type RoundingPolicy = keyof typeof roundingPolicies;

/** Billable units of one contact; times RFC 3339, seconds beyond the last full minute do not count. */
export function h0038Units(contact: { startedAt: string; endedAt: string }, policy: RoundingPolicy = 'midpoint'): number {
  const minutes = Math.floor((Date.parse(contact.endedAt) - Date.parse(contact.startedAt)) / MINUTE);
  return roundingPolicies[policy](minutes);
}
