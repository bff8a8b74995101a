import type { FactsContext } from '@peerbridge/command';

/** How someone who writes stands to the person's team: a former member counts only if they were on it when it happened. */
export type MembershipThen = 'current' | 'former' | 'none';

/** Late entry is normal: who has left the team may still write down what happened before, unless they are shut out. */
export function membershipThen({ access, caller, occurredAt }: FactsContext<object>): MembershipThen {
  if (!access) return 'none';
  const { decision, facts: { team, restrictedMemberIds, ownMemberIds } } = access;
  if (decision.onTeam) return 'current';
  if ([...restrictedMemberIds, ...ownMemberIds].includes(caller.memberId)) return 'none';
  const stood = team.some(({ memberId, role, orgId, joinedAt, removedAt }) => memberId === caller.memberId
    && role === caller.role && orgId === caller.orgId
    && joinedAt !== undefined && joinedAt <= occurredAt && occurredAt < (removedAt ?? ''));
  return stood ? 'former' : 'none';
}
