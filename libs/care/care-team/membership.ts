import type { FactsContext } from '@peerbridge/command';

/**
 * How someone who writes stands to the person's team, and stood to it when it happened: on it, then and now; on it now, and not
 * then; on it then, and not now; neither.
 */
export type MembershipThen = 'current' | 'notThen' | 'former' | 'none';

/** People meet before the papers are made out. A policy's: what happened up to two days before belongs to their time together. */
export const papersFollowWithinMs = 48 * 3_600_000;

const after = (time: string, ms: number): string => new Date(Date.parse(time) + ms).toISOString();

/**
 * Late entry is normal: who has left the team may still write down what happened before, unless they are shut out. Nobody
 * writes down what happened before they joined, or before the person was enrolled: by when those happened, not by when they
 * were recorded. But for the peer who enrolled them a person's time begins when they met, `papersFollowWithinMs` before at most.
 * @param papersFollow whether the same holds for whoever joined
 */
export function membershipThen({ access, caller, occurredAt }: FactsContext<object>, papersFollow = false): MembershipThen {
  if (!access) return 'none';
  const { decision, facts: { team, restrictedMemberIds, ownMemberIds, enrolledAt = '' } } = access;
  const metBy = after(occurredAt, papersFollowWithinMs);
  const stood = (lenient: boolean) => team.some(({ memberId, role, orgId, joinedAt, removedAt }) => {
    if (memberId !== caller.memberId || role !== caller.role || orgId !== caller.orgId || joinedAt === undefined) return false;
    const begun = lenient && (papersFollow || joinedAt === enrolledAt) ? metBy : occurredAt;
    return enrolledAt <= begun && joinedAt <= begun && (removedAt === undefined || occurredAt < removedAt);
  });
  if (decision.onTeam) return stood(true) ? 'current' : 'notThen';
  if ([...restrictedMemberIds, ...ownMemberIds].includes(caller.memberId)) return 'none';
  return stood(false) ? 'former' : 'none';
}

/** Whether it happened before the person was enrolled, and was met. */
export const isBeforeEnrollment = ({ access, occurredAt }: FactsContext<object>): boolean =>
  after(occurredAt, papersFollowWithinMs) < (access?.facts.enrolledAt ?? '');
