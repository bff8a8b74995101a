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
}

export interface TeamFact {
  membershipId: string;
  memberId: string;
  role: Role;
  orgId: string;
  state: 'invited' | 'joined' | 'removed';
  isPrimaryPeer: boolean;
  joinedAt?: string;
  removedAt?: string;
}

/** All that a decision about one person rests on, beside the viewer and the instant. */
export interface PersonFacts {
  participantId: string;
  /** The organization that enrolled the person: the source of the participant's own fields. */
  homeOrgId: string;
  consents: readonly ConsentFact[];
  team: readonly TeamFact[];
  /** Workers whom the person has shut out. */
  restrictedMemberIds: readonly string[];
  /** A standing preference that commands ask about; what it opened says so in its label. */
  contactsOpenToTeam?: boolean;
  /** The person's projection is stopped or lags past its bound: everything but self is refused. */
  unknowable?: boolean;
}

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
  authorId: string;
  partyOrgId: string | null;
  circles: readonly Circle[];
}
