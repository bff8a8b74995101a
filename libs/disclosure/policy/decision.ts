import { segments, type Caller, type Segment } from '@peerbridge/kernel';
import { beyondRestriction, consentInForce, endOf, joinedAs, openedTo, reaches, worksWith } from './consent.js';
import type { Circle, PersonFacts } from './facts.js';
import { ceilings, circleOf, insideProgram, recordKeepers } from './tables.js';

/** Legal bases, the strongest first: where several permit, the answer names the first. */
export const bases = ['self', 'programInternal', 'tpo', 'named', 'family', 'criminalJustice', 'audit', 'emergency'] as const;
export type Basis = (typeof bases)[number];

/** Why a segment is open. */
export interface Permission {
  readonly basis: Basis;
  /** Every consent that permits it, whether or not the basis is one of theirs. */
  readonly consentIds: readonly string[];
  /** When it ends by itself, nobody withdrawing anything; null where no date is set. */
  readonly until: string | null;
}

/** What may be seen of each source organization's items, and why. */
export type Permissions = ReadonlyMap<string, ReadonlyMap<Segment, Permission>>;

export interface SegmentAccess {
  segment: Segment;
  permitted: boolean;
  basis: Basis | null;
  consentIds: readonly string[];
  until: string | null;
  refusal: 'roleCeiling' | 'noBasis' | null;
}

/**
 * Which of the person's items may be seen, as data: interpreted by `permitsItem`, compiled by `compileItemRule`.
 *
 *     of this person ∧ (everything ∨ written by the author as their organization's
 *                       ∨ requested by them, while they may see the person
 *                       ∨ in a circle of the viewer ∧ every segment open for the item's source)
 */
export interface ItemRule {
  readonly participantId: string;
  readonly everything: boolean;
  readonly author: { readonly memberId: string; readonly orgId: string } | null;
  readonly requester: { readonly memberId: string; readonly orgId: string } | null;
  readonly circle: Circle | null;
  /** The organization by which the viewer may be a party to an item; null where they are none of what comes to it. */
  readonly partyOrgId: string | null;
  readonly sources: readonly { readonly orgId: string; readonly segments: readonly Segment[] }[];
}

/** Who sees what of one person at one instant. All further questions are asked of this, and of nothing else. */
export interface Decision {
  readonly viewer: Caller;
  readonly participantId: string;
  readonly homeOrgId: string;
  readonly self: boolean;
  /** On the team now. */
  readonly onTeam: boolean;
  /** The participant as a whole; where false, indistinguishable from an unknown id. */
  readonly visible: boolean;
  /** One per segment, in the vocabulary's order. Shown only where `visible`. */
  readonly access: readonly SegmentAccess[];
  /** Empty for the person, to whom all is open. */
  readonly permissions: Permissions;
  readonly items: ItemRule;
}

/**
 * Decides what the viewer may see of a person at an instant (RFC 3339).
 *
 *     permit = role ceiling ∧ relationship ∧ legal basis for the item's source ∧ no restriction
 */
export function decide(viewer: Caller, facts: PersonFacts, instant: string): Decision {
  const { participantId, homeOrgId } = facts;
  const self = viewer.role === 'person' && viewer.participantId === participantId;
  // A worker who is this person decides about themself only as the person, and at work knows nothing of it.
  const admitted = !facts.unknowable && (self || !facts.ownMemberIds.includes(viewer.memberId));
  const grounds = {
    viewer, participantId, homeOrgId, self,
    onTeam: admitted && !isRestricted(viewer, facts) && joinedAs(facts, viewer) !== undefined,
    permissions: admitted ? permissionsOf(viewer, facts, instant) : new Map<string, Map<Segment, Permission>>(),
  };
  const access = accessOf(grounds);
  // What they wrote is their own organization's record: a restriction does not take it from them.
  const readsOwnRecords = admitted && recordKeepers.has(viewer.role);
  return conclude(grounds, access, {
    readsOwnRecords, followsOwnRequests: readsOwnRecords && isSeenBy(access), partyOrgId: partyOf(viewer, facts),
  });
}

/**
 * What comes to the person's own program from the person is for its supervision: a peer of the program reads what is meant for
 * peers, and is not told by way of the organization what the person keeps from them.
 */
const partyOf = ({ role, orgId }: Caller, { homeOrgId }: PersonFacts): string | null =>
  (role === 'peer' && orgId === homeOrgId ? null : orgId);

const isRestricted = ({ memberId }: Caller, { restrictedMemberIds }: PersonFacts): boolean =>
  restrictedMemberIds.includes(memberId);

/**
 * What both permit: a view of the past shows what was permitted then *and* may be seen today. Each segment keeps the
 * weaker of the two bases, and ends when the first of them ends.
 */
export function intersect(a: Decision, b: Decision): Decision {
  const { viewer, participantId } = a;
  const same = participantId === b.participantId && viewer.memberId === b.viewer.memberId
    && viewer.role === b.viewer.role && viewer.orgId === b.viewer.orgId;
  if (!same) throw new Error('Only decisions about one person and for one viewer intersect');
  const grounds = {
    viewer, participantId,
    homeOrgId: a.homeOrgId,
    self: a.self && b.self,
    onTeam: a.onTeam && b.onTeam,
    permissions: common(a.permissions, b.permissions),
  };
  return conclude(grounds, accessOf(grounds), {
    readsOwnRecords: a.items.author !== null && b.items.author !== null,
    followsOwnRequests: a.items.requester !== null && b.items.requester !== null,
    partyOrgId: a.items.partyOrgId && b.items.partyOrgId,
  });
}

type Grounds = Pick<Decision, 'viewer' | 'participantId' | 'homeOrgId' | 'self' | 'onTeam' | 'permissions'>;

const accessOf = (grounds: Grounds): SegmentAccess[] => segments.map((segment) => accessTo(segment, grounds));
const isSeenBy = (access: readonly SegmentAccess[]): boolean => access.some(({ permitted }) => permitted);

function conclude(
  grounds: Grounds, access: SegmentAccess[],
  own: { readsOwnRecords: boolean; followsOwnRequests: boolean; partyOrgId: string | null },
): Decision {
  const { viewer, participantId, self, permissions } = grounds;
  const themself = { memberId: viewer.memberId, orgId: viewer.orgId };
  return {
    ...grounds,
    access,
    visible: isSeenBy(access),
    items: {
      participantId,
      everything: self,
      author: own.readsOwnRecords ? themself : null,
      requester: own.followsOwnRequests ? themself : null,
      circle: circleOf[viewer.role],
      partyOrgId: own.partyOrgId,
      sources: [...permissions].map(([orgId, open]) => ({ orgId, segments: [...open.keys()] })),
    },
  };
}

function permissionsOf(viewer: Caller, facts: PersonFacts, instant: string): Permissions {
  const permissions = new Map<string, Map<Segment, Permission>>();
  const permit = (sourceOrgId: string, opened: Iterable<Segment>, permission: Permission): void => {
    const ofSource = permissions.get(sourceOrgId) ?? new Map<Segment, Permission>();
    for (const segment of opened) {
      const other = ofSource.get(segment);
      ofSource.set(segment, other ? either(other, permission) : permission);
    }
    if (ofSource.size > 0) permissions.set(sourceOrgId, ofSource);
  };

  const restricted = isRestricted(viewer, facts);
  const inside = restricted ? undefined : insideProgram[viewer.role];
  const supervises = viewer.role === 'supervisor' && !worksWith(facts, viewer);
  if (inside && (supervises || joinedAs(facts, viewer))) {
    permit(viewer.orgId, inside, { basis: 'programInternal', consentIds: [], until: null });
  }
  for (const consent of restricted ? beyondRestriction(facts.consents) : facts.consents) {
    if (!consentInForce(consent, instant) || !reaches(consent, viewer, facts)) continue;
    const { basis, segments: opened } = openedTo(viewer.role, consent);
    permit(consent.discloserOrgId, opened, { basis, consentIds: [consent.id], until: endOf(consent) });
  }
  return permissions;
}

/**
 * A segment counts as open where the home organization or another discloser opens it. What the viewer's own organization
 * wrote is its own record and does not make the person known to it.
 */
function accessTo(segment: Segment, { viewer, homeOrgId, self, permissions }: Grounds): SegmentAccess {
  if (self) return { segment, permitted: true, basis: 'self', consentIds: [], until: null, refusal: null };
  let permission: Permission | undefined;
  for (const [orgId, open] of permissions) {
    const here = orgId === viewer.orgId && orgId !== homeOrgId ? undefined : open.get(segment);
    if (here) permission = permission ? either(permission, here) : here;
  }
  if (permission) return { segment, permitted: true, ...permission, refusal: null };
  const refusal = ceilings[viewer.role].has(segment) ? 'noBasis' : 'roleCeiling';
  return { segment, permitted: false, basis: null, consentIds: [], until: null, refusal };
}

/** Two permissions that each suffice: the stronger basis is named, the longer one lasts. */
function either(a: Permission, b: Permission): Permission {
  return {
    basis: isStronger(b, a) ? b.basis : a.basis,
    consentIds: [...new Set([...a.consentIds, ...b.consentIds])],
    until: endsBefore(a, b) ? b.until : a.until,
  };
}

/** Two permissions that are both needed: the weaker one is named, with its consents, and the first to end ends it. */
function both(a: Permission, b: Permission): Permission {
  return { ...(isStronger(a, b) ? b : a), until: endsBefore(b, a) ? b.until : a.until };
}

const isStronger = (a: Permission, b: Permission): boolean => bases.indexOf(a.basis) < bases.indexOf(b.basis);

const endsBefore = (a: Permission, b: Permission): boolean =>
  a.until !== null && (b.until === null || Date.parse(a.until) < Date.parse(b.until));

function common(a: Permissions, b: Permissions): Permissions {
  const shared = new Map<string, Map<Segment, Permission>>();
  for (const [orgId, open] of a) {
    const ofBoth = new Map<Segment, Permission>();
    for (const [segment, permission] of open) {
      const other = b.get(orgId)?.get(segment);
      if (other) ofBoth.set(segment, both(permission, other));
    }
    if (ofBoth.size > 0) shared.set(orgId, ofBoth);
  }
  return shared;
}
