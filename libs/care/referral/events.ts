import { z } from 'zod';
import { day, defineEvent, id, longText, roles, type FactOf, type NewEventOf, type Segment } from '@peerbridge/kernel';

export const needCategories = [
  'housing', 'employment', 'education', 'health', 'food', 'legal', 'transport', 'peerGroup', 'other',
] as const;
export type NeedCategory = (typeof needCategories)[number];

/** What a person may choose to let go with a referral. */
export const sharedFields = [
  'preferredName', 'contact', 'householdSize', 'accessibility', 'livingSituation', 'reason',
] as const;
export type SharedField = (typeof sharedFields)[number];

export const declineReasons = [
  'capacity', 'ineligible', 'unableToContact', 'personDeclined', 'outOfArea', 'duplicate', 'other',
] as const;
export const holdReasons = ['waitlist', 'documents', 'personRequest', 'other'] as const;
export const helpAnswers = ['yes', 'partly', 'no'] as const;

/** The segment that a referral belongs to, and whose key seals its free text. */
export const segmentOfNeed: Readonly<Record<NeedCategory, Segment>> = {
  housing: 'housing', employment: 'employment', education: 'education', health: 'health', legal: 'justice',
  peerGroup: 'peer', food: 'social', transport: 'social', other: 'social',
};

/** Every event of a referral says what the need is, so that it is labelled and sealed like the referral itself. */
const ofReferral = { referralId: id, needCategory: z.enum(needCategories) };
const segments = (data: { needCategory: NeedCategory }): readonly Segment[] => [segmentOfNeed[data.needCategory]];
const sealedReason = (data: { needCategory: NeedCategory }) => ({ reason: segmentOfNeed[data.needCategory] });
const sealedText = (data: { needCategory: NeedCategory }) => ({ text: segmentOfNeed[data.needCategory] });
const sealedReasonAndText = (data: { needCategory: NeedCategory }) => ({ ...sealedReason(data), ...sealedText(data) });

export const referralDrafted = defineEvent({
  type: 'ReferralDrafted',
  schema: z.object({
    ...ofReferral,
    participantId: id,
    targetOrganizationId: id,
    serviceId: id.optional(),
    sharedFields: z.array(z.enum(sharedFields)),
    reason: longText.optional(),
    /** A person who refers themself is not shown to their peer unless they opt in. */
    tellPeer: z.boolean(),
    requestedBy: z.object({ memberId: id, role: z.enum(roles), orgId: z.string() }),
  }),
  sealed: sealedReason,
  segments,
});

/** A person who refers themself, and does not opt in, keeps it from their peer. */
export const isUntold = ({ requestedBy, tellPeer }: { requestedBy: { role: string }; tellPeer: boolean }): boolean =>
  requestedBy.role === 'person' && !tellPeer;

export const referralSent = defineEvent({
  type: 'ReferralSent',
  /** The consents, in force at sending, that let the target see it. */
  schema: z.object({ ...ofReferral, consentRefs: z.array(id).min(1) }),
  segments,
});

export const referralAccepted = defineEvent({ type: 'ReferralAccepted', schema: z.object(ofReferral), segments });

export const referralDeclined = defineEvent({
  type: 'ReferralDeclined',
  version: 2,
  schema: z.object({ ...ofReferral, reason: z.enum(declineReasons), text: longText.optional() }),
  sealed: sealedReasonAndText,
  segments,
  upcasters: { 1: (data) => data },
});

/** `reviewOn` stays open, as what is due rests on it: a date, that says no more than the time of the event does. */
export const referralHeld = defineEvent({
  type: 'ReferralHeld',
  version: 2,
  schema: z.object({ ...ofReferral, reason: z.enum(holdReasons), text: longText.optional(), reviewOn: day }),
  sealed: sealedReasonAndText,
  segments,
  upcasters: { 1: (data) => data },
});

export const referralStarted = defineEvent({ type: 'ReferralStarted', schema: z.object(ofReferral), segments });
export const referralReopened = defineEvent({ type: 'ReferralReopened', schema: z.object(ofReferral), segments });
export const serviceDelivered = defineEvent({ type: 'ServiceDelivered', schema: z.object(ofReferral), segments });

export const loopConfirmed = defineEvent({
  type: 'LoopConfirmed',
  version: 2,
  schema: z.object({ ...ofReferral, gotHelp: z.enum(helpAnswers) }),
  sealed: (data) => ({ gotHelp: segmentOfNeed[data.needCategory] }),
  segments,
  upcasters: { 1: (data) => data },
});

/** Nobody confirmed what was delivered: it no longer stands in the way of another referral to this service. */
export const loopClosedUnconfirmed = defineEvent({ type: 'LoopClosedUnconfirmed', schema: z.object(ofReferral), segments });

/** The person says that what was called delivered was not: it is not counted successful. */
export const loopDisputed = defineEvent({
  type: 'LoopDisputed',
  schema: z.object({ ...ofReferral, text: longText.optional() }),
  sealed: sealedText,
  segments,
});

export const referralFailed = defineEvent({
  type: 'ReferralFailed',
  schema: z.object({ ...ofReferral, text: longText }),
  sealed: sealedText,
  segments,
});

export const referralWithdrawn = defineEvent({
  type: 'ReferralWithdrawn',
  schema: z.object({ ...ofReferral, reason: longText }),
  sealed: sealedReason,
  segments,
});

export const referralEnteredInError = defineEvent({
  type: 'ReferralEnteredInError',
  schema: z.object({ ...ofReferral, reason: longText }),
  sealed: sealedReason,
  segments,
});

export const referralEvents = [
  referralDrafted, referralSent, referralAccepted, referralDeclined, referralHeld, referralStarted, referralReopened,
  serviceDelivered, loopConfirmed, loopClosedUnconfirmed, loopDisputed, referralFailed, referralWithdrawn,
  referralEnteredInError,
];
export type ReferralEvent = NewEventOf<(typeof referralEvents)[number]>;
export type ReferralFact = FactOf<(typeof referralEvents)[number]>;
