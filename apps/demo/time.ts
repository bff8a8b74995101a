import type { Random } from './random.js';

export const MINUTE_MS = 60_000;
export const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
const WEEK_MS = 7 * DAY_MS;

export const timeOf = (ms: number): string => new Date(ms).toISOString();

export const daysFrom = (time: string, days: number): string => new Date(Date.parse(time) + days * DAY_MS).toISOString();

const YEAR_WEEKS = 53;

/** Of the year that was kept on paper: a Monday at nine, 53 weeks before the week in which it is entered. */
export function beginningOfYear(now: Date): string {
  const midnight = Date.parse(now.toISOString().slice(0, 10));
  const monday = midnight - ((new Date(midnight).getUTCDay() + 6) % 7) * DAY_MS;
  return new Date(monday - YEAR_WEEKS * WEEK_MS + 9 * HOUR_MS).toISOString();
}

/**
 * When things happened in the year of one person, as milliseconds since the epoch: weeks, days and hours before the week in
 * which the year is entered. Each of one peer's people has meetings and calls at a time of their own, so that no peer is in two
 * places at once.
 *
 * @param enrolledAt the beginning of the year
 * @param nth of the peer's people
 */
export function timesOf(enrolledAt: string, nth: number) {
  const weekday = nth % 5;
  const row = Math.floor(nth / 5) % 4;
  const monday = Date.parse(enrolledAt.slice(0, 10)) + YEAR_WEEKS * WEEK_MS;
  const at = (weeksAgo: number, day: number, hour: number, minutes = 0): number =>
    monday - weeksAgo * WEEK_MS + day * DAY_MS + hour * HOUR_MS + minutes * MINUTE_MS;
  return {
    /** Of the papers that are made out at the enrollment, one after another. */
    paper: (nthPaper: number) => at(YEAR_WEEKS, 0, 9, 5 * nthPaper),
    /** Of those who join: they are invited one day, and accept the next. */
    joining: (day: 'invited' | 'joined') => at(YEAR_WEEKS, day === 'invited' ? 1 : 2, 10),
    /** Of a referral's steps, two days from one to the next. */
    step: (weeksAgo: number, nthStep: number) => at(weeksAgo, 1 + 2 * nthStep, 10),
    /** Of what the person changes in the last week, a day from one to the next. */
    turn: (nthChange: number) => at(1, 1 + nthChange, 12),
    meeting: (weeksAgo: number) => at(weeksAgo, weekday, 14 + 2 * row),
    call: (weeksAgo: number) => at(weeksAgo, (weekday + 2) % 5, 9 + row),
    /** Of a substitute. */
    visit: (weeksAgo: number) => at(weeksAgo, 6, 10 + nth % 10),
    /** Everybody's. */
    circle: (weeksAgo: number) => at(weeksAgo, 5, 15),
    office: (weeksAgo: number, random: Random) =>
      at(weeksAgo, random.int(0, 4), random.int(13, 21), random.pick([0, 15, 30, 45])),
  };
}

export type Times = ReturnType<typeof timesOf>;
