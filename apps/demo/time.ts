import type { Random } from './random.js';

export const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
const WEEK_MS = 7 * DAY_MS;

export const daysFrom = (time: string, days: number): string => new Date(Date.parse(time) + days * DAY_MS).toISOString();

/**
 * When things happened before the day that the person was entered, as milliseconds since the epoch. Each of one peer's
 * people has meetings and calls at a time of their own, so that no peer is in two places at once.
 *
 * @param nth of the peer's people
 */
export function timesBefore(enrolledAt: string, nth: number) {
  const weekday = nth % 5;
  const row = Math.floor(nth / 5) % 4;
  const midnight = Date.parse(enrolledAt.slice(0, 10));
  const monday = midnight - ((new Date(midnight).getUTCDay() + 6) % 7) * DAY_MS;
  const at = (weeksAgo: number, day: number, hour: number, minutes = 0): number =>
    monday - weeksAgo * WEEK_MS + day * DAY_MS + hour * HOUR_MS + minutes * MINUTE_MS;
  return {
    meeting: (weeksAgo: number) => at(weeksAgo, weekday, 14 + 2 * row),
    call: (weeksAgo: number) => at(weeksAgo, (weekday + 2) % 5, 9 + row),
    /** Of a substitute. */
    visit: (weeksAgo: number) => at(weeksAgo, 6, 10 + nth),
    /** Everybody's. */
    circle: (weeksAgo: number) => at(weeksAgo, 5, 15),
    office: (weeksAgo: number, random: Random) =>
      at(weeksAgo, random.int(0, 4), random.int(13, 21), random.pick([0, 15, 30, 45])),
  };
}

export type Times = ReturnType<typeof timesBefore>;
