import type { Caller, Role, Segment } from '@peerbridge/kernel';
import type { ConsentFact, Expiry, PersonFacts, Recipient, TeamFact } from './facts.js';
import { insideProgram, openings, purposesOf, treatingRoles, type ConsentBasis } from './tables.js';

// Both are false for a malformed time, so that it opens nothing.
const hasCome = (time: string, instant: string): boolean => Date.parse(time) <= Date.parse(instant);
const isAhead = (time: string, instant: string): boolean => Date.parse(time) > Date.parse(instant);

function unexpired(expiry: Expiry, instant: string): boolean {
  return expiry.at ? isAhead(expiry.at, instant) : Boolean(expiry.event) || expiry.none === true;
}

/** Whether the consent authorizes anything at the instant. Decided at read time: no scheduler has a part in it. */
export function consentInForce({ state, effectiveFrom, expiry, revokedFrom }: ConsentFact, instant: string): boolean {
  return state === 'active' && hasCome(effectiveFrom, instant) && unexpired(expiry, instant)
    && (revokedFrom === undefined || isAhead(revokedFrom, instant));
}

/** When the consent ends, nobody withdrawing anything more; null where no date is set. */
export function endOf({ expiry, revokedFrom }: ConsentFact): string | null {
  const [first = null] = [expiry.at, revokedFrom].filter((time) => time !== undefined)
    .sort((a, b) => Date.parse(a) - Date.parse(b));
  return first;
}

/** What a restricted worker may still rest on: a product rule yields to law, until the day the law gives way (42 CFR 2.35). */
export const beyondRestriction = (consents: readonly ConsentFact[]): ConsentFact[] => consents
  .filter(({ kind, revocableFrom }) => kind === 'criminalJustice' && revocableFrom !== undefined)
  .map((consent) => ({ ...consent, revokedFrom: consent.revocableFrom }));

/** The membership by which a worker is on the team now: as whom they were invited, and nothing else their token says. */
export function joinedAs(facts: PersonFacts, worker: Pick<Caller, 'memberId' | 'orgId' | 'role'>): TeamFact | undefined {
  return facts.team.find((member) => member.state === 'joined'
    && member.memberId === worker.memberId && member.orgId === worker.orgId && member.role === worker.role);
}

/** What the consent opens to a role, provided that it reaches who acts in it. */
export function openedTo(role: Role, consent: ConsentFact): { basis: ConsentBasis; segments: readonly Segment[] } {
  const { basis, to } = openings[consent.kind];
  const most = to[role];
  const purposeFits = consent.purposes.some((purpose) => purposesOf[role].includes(purpose));
  return { basis, segments: most && purposeFits ? consent.segments.filter((segment) => most.has(segment)) : [] };
}

/** Whether they are colleagues, from whom the person's own record is walled off. */
export const worksWith = (facts: PersonFacts, { orgId }: Pick<Caller, 'orgId'>): boolean => facts.worksAtOrgIds.includes(orgId);

/** Whether the viewer is among the consent's recipients. */
export function reaches(consent: ConsentFact, viewer: Caller, facts: PersonFacts): boolean {
  // A relative's consent reaches only that relative: the token says whose kin they are.
  if (viewer.role === 'family' && viewer.participantId !== facts.participantId) return false;
  // A peer is on the team, or receives a referral.
  const isParty = viewer.orgId !== facts.homeOrgId && facts.partyOrgIds.includes(viewer.orgId);
  if (viewer.role === 'peer' && !isParty && !joinedAs(facts, viewer)) return false;
  return consent.recipients.some((recipient) => isRecipient(recipient, consent, viewer, facts));
}

function isRecipient(recipient: Recipient, consent: ConsentFact, viewer: Caller, facts: PersonFacts): boolean {
  if (recipient.memberId) return recipient.memberId === viewer.memberId;
  if (recipient.class) {
    return recipient.class === 'treatingProviders' && consent.kind === 'tpo' && treatingRoles.has(viewer.role)
      && joinedAs(facts, viewer) !== undefined;
  }
  if (recipient.orgId !== viewer.orgId) return false;
  // A consent that names the program or the discloser does not replace the need to know inside it (42 CFR 2.12(c)(3)).
  const inside = [facts.homeOrgId, consent.discloserOrgId].includes(viewer.orgId);
  const byAssignment = inside && insideProgram[viewer.role] !== undefined;
  return (!byAssignment && !worksWith(facts, viewer)) || joinedAs(facts, viewer) !== undefined;
}

/**
 * The consents in force that let a member of the target organization see the source's items of this segment, once it is party
 * to a referral: by naming the organization, or a member of it who is on the team, or the class which that member belongs to.
 * @param roles those in which somebody of the target may act; who is on the team acts in the role they joined in
 */
export function reachesOrganization(
  facts: PersonFacts, sourceOrgId: string, targetOrgId: string, segment: Segment, roles: readonly Role[], instant: string,
): string[] {
  if (facts.unknowable) return [];
  const { participantId, team, restrictedMemberIds, ownMemberIds, partyOrgIds } = facts;
  const asParty = { ...facts, partyOrgIds: [...partyOrgIds, targetOrgId] };
  const members = team.filter(({ orgId, state, memberId }) => orgId === targetOrgId && state === 'joined'
    && ![...restrictedMemberIds, ...ownMemberIds].includes(memberId));
  const somebody = roles.map((role) => ({ memberId: '', role }));
  const readers = [...somebody, ...members].map(({ memberId, role }): Caller => (
    { memberId, role, orgId: targetOrgId, participantId }));
  return facts.consents
    .filter((consent) => consent.discloserOrgId === sourceOrgId && consentInForce(consent, instant) && readers.some((reader) =>
      openedTo(reader.role, consent).segments.includes(segment) && reaches(consent, reader, asParty)))
    .map(({ id }) => id);
}
