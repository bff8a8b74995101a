import { segments, type Actor, type Caller, type Role, type Segment } from '@peerbridge/kernel';
import type { Decision, ItemRule } from './decision.js';
import type { ItemLabel } from './facts.js';
import { fieldCeilings, participantFields, recordKeepers, staffRoles, treatingRoles, type ParticipantField } from './tables.js';

/** Whether an item may be seen. The same rule as `compileItemRule`'s: a property test holds the two together. */
export function permitsItem({ items: rule }: Decision, label: ItemLabel): boolean {
  if (label.participantId !== rule.participantId) return false;
  return isAuthor(rule, label) || isOpen(rule, label);
}

/**
 * Whether a viewer has an item for no other reason than that they wrote it, and has left the team: they keep what they did, and
 * are not told what others did with it.
 */
export function keepsAsWritten({ items: rule, self, onTeam }: Decision, label: ItemLabel): boolean {
  return !self && !onTeam && isAuthor(rule, label) && !isOpen(rule, label);
}

/** Whether an item's line of the story may be seen: the same rule as `compileLineRule`'s. */
export function permitsLine(decision: Decision, label: ItemLabel, actorId: string): boolean {
  return permitsItem(decision, label) && (actorId === decision.viewer.memberId || !keepsAsWritten(decision, label));
}

/** For another reason than having written it. */
function isOpen(rule: ItemRule, label: ItemLabel): boolean {
  if (rule.everything || isRequester(rule, label)) return true;
  const inCircle = label.circles.some((circle) =>
    (circle === 'parties' ? rule.partyOrgId !== null && label.partyOrgId === rule.partyOrgId : circle === rule.circle));
  const open = rule.sources.find(({ orgId }) => orgId === label.sourceOrgId)?.segments ?? [];
  // Unlabelled means all of them.
  const needed = label.segments.length > 0 ? label.segments : segments;
  return inCircle && needed.every((segment) => open.includes(segment));
}

const isAuthor = ({ author }: ItemRule, label: ItemLabel): boolean =>
  author !== null && label.authorId === author.memberId && label.sourceOrgId === author.orgId;

const isRequester = ({ requester }: ItemRule, label: ItemLabel): boolean =>
  requester !== null && label.requesterId === requester.memberId && label.sourceOrgId === requester.orgId;

/** Whether what an organization wrote in a segment may be seen. */
export function permitsSegment(decision: Decision, segment: Segment, sourceOrgId: string): boolean {
  return decision.self || (decision.permissions.get(sourceOrgId)?.has(segment) ?? false);
}

/** Whether one of the participant's own fields may be seen: its segment, and what the role needs of it. */
export function permitsField(decision: Decision, field: ParticipantField): boolean {
  const segment = participantFields[field];
  const ceiling = fieldCeilings[decision.viewer.role]?.[segment];
  return permitsSegment(decision, segment, decision.homeOrgId) && (ceiling?.includes(field) ?? true);
}

/**
 * Whether a visible contact's narrative may be read too: by its author and the person, and by the team's peers and the
 * program's supervisors. Never by clinicians, physicians or anyone outside, who read the summary.
 */
export function permitsContactNarrative(decision: Decision, label: ItemLabel): boolean {
  const { viewer, self, onTeam, items } = decision;
  const ofTheTeam = viewer.role === 'supervisor' || (viewer.role === 'peer' && onTeam);
  return permitsItem(decision, label) && (self || isAuthor(items, label) || ofTheTeam);
}

/**
 * Whether an organization is shown by its real name and id, else by its alias and no id: that a person is known to a
 * Part 2 program is itself protected (42 CFR 2.13(c)). Known to its own members, to the person, to the privacy officer,
 * and to the clinicians and physicians to whom it discloses for treatment.
 * @param decision about the person in whose record it stands; undefined where it stands in none
 */
export function mayKnowOrganization(
  decision: Decision | undefined, viewer: Caller, organization: { id: string; part2Program: boolean },
): boolean {
  if (!organization.part2Program || organization.id === viewer.orgId || viewer.role === 'privacyOfficer') return true;
  if (!decision) return false;
  // Outside its own organization nobody has a stronger basis, so a TPO consent always shows here.
  const disclosed = decision.permissions.get(organization.id)?.values() ?? [];
  return decision.self || (treatingRoles.has(viewer.role) && [...disclosed].some(({ basis }) => basis === 'tpo'));
}

type Colleague = Pick<Caller, 'memberId' | 'role' | 'orgId'>;

/** Whether both act for the same organization. */
export const areColleagues = (one: Colleague, other: Colleague): boolean =>
  one.orgId === other.orgId && staffRoles.has(one.role) && staffRoles.has(other.role);

/** Whether others are shown by name who acts in the role. Who acts as the person is not. */
export const canBeNamed = (role: Role): boolean => recordKeepers.has(role) || staffRoles.has(role);

/** Whether somebody's acts are a worker's, by which the organization becomes one where they have colleagues. */
export const actsAsWorker = ({ role }: Actor): boolean => staffRoles.has(role);

/**
 * Whether a worker (author, actor, team member) is shown: to themself, their colleagues, the person, and who sees the team.
 * Who acted as the person is shown to the person alone: the same member may be known as a worker.
 */
export function seesWorker(decision: Decision | undefined, viewer: Caller, worker: Colleague): boolean {
  if (worker.role === 'person') return decision?.self ?? (viewer.role === 'person' && worker.memberId === viewer.memberId);
  return worker.memberId === viewer.memberId || areColleagues(viewer, worker)
    || (decision !== undefined && permitsSegment(decision, 'team', decision.homeOrgId));
}
