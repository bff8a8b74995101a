import type { Actor } from './cast.js';
import { courses, type CourseStep, type Life, type Need } from './life.js';
import type { Random } from './random.js';
import type { Story } from './step.js';
import * as texts from './texts.js';
import { daysFrom, timeOf, type Times } from './time.js';

/** Where a course leaves its referral open, it began some weeks ago; what is at an end began in the course of the year. */
const beganWeeksAgo = (course: Need['course'], nth: number): number =>
  (['drafted', 'sent', 'waiting', 'underWay'].includes(course) ? 6 : 40 - 9 * nth);

/** One referral through its course. @param nth of the person's */
export function* referral(
  life: Life, { category, helper, course, requester: who }: Need, times: Times, nth: number,
): Story {
  const at = (nthStep: number) => timeOf(times.step(beganWeeksAgo(course, nth), nthStep));
  const { random, participantId, person } = life;
  const requester = life[who];
  const draft = yield {
    as: requester, mutation: 'draftReferral',
    input: {
      participantId, occurredAt: at(0), needCategory: category, targetOrganizationId: helper.orgId,
      sharedFields: ['preferredName', 'contact', 'householdSize', 'accessibility', 'reason'],
      reason: random.pick(texts.referralReasons[category]), tellPeer: who === 'person' && random.chance(60),
    },
  };
  for (const [before, step] of courses[course].entries()) {
    const occurredAt = at(before + 1);
    const mutation = step === 'markEnteredInError' ? 'markReferralEnteredInError' : `${step}Referral`;
    const as = takes(step, { requester, person, helper });
    yield { as, mutation, input: { referralId: draft.id, occurredAt, ...detailsOf(step, random, occurredAt) } };
  }
}

function takes(step: CourseStep, { requester, person, helper }: Record<'requester' | 'person' | 'helper', Actor>): Actor {
  switch (step) {
    case 'send': case 'markEnteredInError': return requester;
    case 'confirm': case 'dispute': case 'withdraw': return person;
    default: return helper;
  }
}

function detailsOf(step: CourseStep, random: Random, occurredAt: string): object {
  switch (step) {
    case 'decline': return random.pick(texts.declines);
    case 'hold': return { ...random.pick(texts.holds), reviewOn: daysFrom(occurredAt, random.int(10, 40)).slice(0, 10) };
    case 'fail': return { text: random.pick(texts.failures) };
    case 'dispute': return { text: random.pick(texts.disputes) };
    case 'confirm': return { gotHelp: random.pick(['yes', 'yes', 'partly', 'no']) };
    case 'withdraw': return { reason: random.pick(texts.withdrawals) };
    case 'markEnteredInError': return { reason: 'Entered for the wrong service.' };
    default: return {};
  }
}
