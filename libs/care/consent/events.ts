import { z } from 'zod';
import { defineEvent, purposesOfUse, segments, type FactOf, type NewEventOf } from '@peerbridge/kernel';

/** 42 CFR Part 2, 2024 rule. `tpo`: one consent for treatment, payment and operations. */
export const consentKinds = ['tpo', 'named', 'counselingNotes', 'legalProceeding', 'criminalJustice', 'family'] as const;
export type ConsentKind = (typeof consentKinds)[number];

/** As whom somebody signs (42 CFR 2.14, 2.15, and the law of each state). */
export const capacities = [
  'self', 'minor', 'minorWithGuardian', 'courtAppointedRepresentative', 'executor', 'spouse', 'responsibleRelative',
] as const;

/** What the person was told when they signed. */
export const consentStatements = ['rightToRevoke', 'redisclosure', 'refusalConsequences'] as const;

/** Recipients who are a relationship: a clinician or physician on the person's team. */
export const recipientClasses = ['treatingProviders'] as const;

/** Exactly one of the three. */
export const recipient = z.object({
  orgId: z.guid().optional(),
  memberId: z.guid().optional(),
  class: z.enum(recipientClasses).optional(),
});
export type Recipient = z.infer<typeof recipient>;

/** What a consent says, as far as rules rest on it. */
export const terms = z.object({
  kind: z.enum(consentKinds),
  /** The organization whose items the consent opens. */
  discloserOrgId: z.guid(),
  recipients: z.array(recipient).min(1),
  segments: z.array(z.enum(segments)).min(1),
  purposes: z.array(z.enum(purposesOfUse)).min(1),
  formHash: z.string(),
  formVersion: z.string(),
  signedAt: z.iso.datetime(),
  effectiveFrom: z.iso.datetime(),
  /** In force before `at`; neither `at` nor `none`: until `expiryEvent`, which people judge and no clock. */
  expiry: z.object({ at: z.iso.datetime().optional(), none: z.literal(true).optional() }),
  statements: z.array(z.enum(consentStatements)),
  /** criminalJustice only: no revocation before. */
  revocableFrom: z.iso.datetime().optional(),
});
export type Terms = z.infer<typeof terms>;

/** The words of the form. Those that a draft holds are not repeated when it is granted. */
const words = {
  signature: z.object({ method: z.string(), signer: z.string(), capacity: z.string() }).optional(),
  expiryEvent: z.string().optional(),
};
const sealedWords = { signature: 'identity', expiryEvent: 'team' } as const;

/** Authorizes nothing. */
export const consentDrafted = defineEvent({
  type: 'ConsentDrafted',
  schema: z.object({
    ...terms.partial().shape, ...words,
    consentId: z.guid(),
    /** Whether there is a signature. */
    signed: z.boolean(),
    recordedBy: z.guid(),
  }),
  sealed: sealedWords,
  segments: () => ['team'],
});

export const consentGranted = defineEvent({
  type: 'ConsentGranted',
  schema: z.object({ ...terms.shape, ...words, consentId: z.guid(), recordedBy: z.guid() }),
  sealed: sealedWords,
  segments: () => ['team'],
});

export const consentNarrowed = defineEvent({
  type: 'ConsentNarrowed',
  schema: z.object({ consentId: z.guid(), segments: z.array(z.enum(segments)).min(1) }),
  segments: () => ['team'],
});

export const consentSuspended = defineEvent({
  type: 'ConsentSuspended', schema: z.object({ consentId: z.guid() }), segments: () => ['team'],
});

export const suspensionLifted = defineEvent({
  type: 'SuspensionLifted', schema: z.object({ consentId: z.guid() }), segments: () => ['team'],
});

export const consentRevoked = defineEvent({
  type: 'ConsentRevoked',
  schema: z.object({
    consentId: z.guid(),
    /** Of the written revocation; made by the system where the person revoked in the application. */
    artifactHash: z.string(),
    madeBy: z.enum(['person', 'worker']),
  }),
  segments: () => ['team'],
});

/**
 * A withdrawal before the law lets it take effect (42 CFR 2.35). Whatever was asked, the consent ends on the day from which it
 * could be: it may be given anew.
 */
export const revocationRequested = defineEvent({
  type: 'RevocationRequested',
  schema: z.object({
    consentId: z.uuid(),
    asked: z.enum(['revocation', 'suspension', 'narrowing']),
    /** Of a written revocation. */
    artifactHash: z.string().optional(),
    madeBy: z.enum(['person', 'worker']),
    revokedFrom: z.iso.datetime(),
  }),
  segments: () => ['team'],
});

export const consentEvents = [
  consentDrafted, consentGranted, consentNarrowed, consentSuspended, suspensionLifted, consentRevoked, revocationRequested,
];
export type ConsentEvent = NewEventOf<(typeof consentEvents)[number]>;
export type ConsentFact = FactOf<(typeof consentEvents)[number]>;
