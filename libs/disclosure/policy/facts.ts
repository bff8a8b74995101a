import type { PurposeOfUse, Role, Segment } from '@peerbridge/kernel';

export type ConsentKind = 'tpo' | 'named' | 'counselingNotes' | 'legalProceeding' | 'criminalJustice' | 'family';

/** Exactly one of the three. The class is a relationship: clinicians and physicians who joined this person's team. */
export interface Recipient {
  orgId?: string;
  memberId?: string;
  class?: 'treatingProviders';
}

/** Exactly one of the three. `at` is RFC 3339; an `event` ends the consent only when somebody records a withdrawal. */
export interface Expiry {
  at?: string;
  event?: string;
  none?: boolean;
}

/** A consent that was granted; a draft authorizes nothing and is no fact here. */
export interface ConsentFact {
  id: string;
  kind: ConsentKind;
  state: 'active' | 'suspended' | 'revoked';
  discloserOrgId: string;
  recipients: readonly Recipient[];
  segments: readonly Segment[];
  purposes: readonly PurposeOfUse[];
  effectiveFrom: string;
  expiry: Expiry;
  /** criminalJustice: no withdrawal takes effect before. */
  revocableFrom?: string;
  /** A withdrawal that came before its time takes effect here. */
  revokedFrom?: string;
}

export interface TeamFact {
  membershipId: string;
  memberId: string;
  role: Role;
  orgId: string;
  state: 'invited' | 'joined' | 'removed';
  isPrimaryPeer: boolean;
  /** When they joined and left, however late that was recorded. */
  joinedAt?: string;
  removedAt?: string;
}

/** All that a decision about one person rests on, beside the viewer and the instant. */
export interface PersonFacts {
  participantId: string;
  /** The organization that enrolled the person: the source of the participant's own fields. */
  homeOrgId: string;
  /** When the person was enrolled, however late that was recorded; decides nothing, commands ask about it. */
  enrolledAt?: string;
  consents: readonly ConsentFact[];
  team: readonly TeamFact[];
  /** Workers whom the person has shut out. */
  restrictedMemberIds: readonly string[];
  /** Organizations that were sent a referral of this person. */
  partyOrgIds: readonly string[];
  /** The person's own: as whom they have acted about themself. Anybody may be a worker and a participant. */
  ownMemberIds: readonly string[];
  /** Organizations where the person is a worker, and has colleagues. Looked up, for it is no part of this person's record. */
  worksAtOrgIds: readonly string[];
  /** A standing preference that commands ask about; what it opened says so in its label. */
  contactsOpenToTeam?: boolean;
  /** The person's projection is stopped or lags past its bound: everything but self is refused. */
  unknowable?: boolean;
}

/** Whom a decision is made about where there is no such person, or none within reach. */
export const nobody: PersonFacts = {
  participantId: '00000000-0000-0000-0000-000000000000', homeOrgId: '00000000-0000-0000-0000-000000000000', consents: [],
  team: [], restrictedMemberIds: [], partyOrgIds: [], ownMemberIds: [], worksAtOrgIds: [],
};

/** What is folded of the facts about one person from the events about that person. */
export type RecordedFacts = Omit<PersonFacts, 'worksAtOrgIds' | 'unknowable'>;

/**
 * Who, beside its author and the person, may read an item at all; each still subject to segments, source and consent.
 * `parties`: anyone of the item's `partyOrgId`.
 */
export type Circle = 'peers' | 'treating' | 'supervision' | 'kin' | 'outside' | 'parties';

/** What the policy knows of an item: every node but the participant itself. No segments means all of them. */
export interface ItemLabel {
  participantId: string;
  segments: readonly Segment[];
  /** The organization whose worker first wrote it, for good. */
  sourceOrgId: string;
  /** Of what its author alone writes, and so may always read. Null where others write to it too, later. */
  authorId: string | null;
  /** Who asked for it, and follows it for as long as they may see the person. */
  requesterId: string | null;
  partyOrgId: string | null;
  circles: readonly Circle[];
}
