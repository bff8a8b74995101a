import { z } from 'zod';
import {
  DomainError, forbidden, id, instant, invalid, invalidTransition, isUuid, longText, notFound, purposesOfUse, roles, segments,
  sha256, shortText, someOf, workerRoles, type Caller, type Command, type CommandDefinition, type PurposeOfUse,
  type StreamDefinition,
} from '@peerbridge/kernel';
import {
  consentEvents, consentKinds, consentStatements, recipientClasses, type ConsentEvent, type ConsentFact, type ConsentKind,
  type Terms,
} from './events.js';

/** A consent as it was left by the events; a draft may lack terms. */
export interface Consent {
  state: 'draft' | 'active' | 'suspended' | 'revoked';
  terms: Partial<Terms>;
  signed: boolean;
}

export interface ConsentStreamState {
  /** By consent id. */
  consents: Readonly<Record<string, Consent>>;
}

export const consentStream: StreamDefinition<ConsentStreamState, ConsentFact> = {
  category: 'consent',
  keyedBy: 'participant',
  events: consentEvents,
  initialState: () => ({ consents: {} }),
  evolve({ consents }, fact) {
    const { consentId } = fact.data;
    const consent = evolveConsent(consents[consentId], fact);
    return { consents: consent ? { ...consents, [consentId]: consent } : consents };
  },
  entityOf: (fact) => fact.data.consentId,
};

function evolveConsent(consent: Consent | undefined, fact: ConsentFact): Consent | undefined {
  switch (fact.type) {
    case 'ConsentDrafted': {
      const { consentId: _id, recordedBy: _by, signed, ...terms } = fact.data;
      return { state: 'draft', terms, signed };
    }
    case 'ConsentGranted': {
      const { consentId: _id, recordedBy: _by, ...terms } = fact.data;
      return { state: 'active', terms, signed: true };
    }
    case 'ConsentNarrowed':
      return consent && { ...consent, terms: { ...consent.terms, segments: fact.data.segments } };
    case 'ConsentSuspended':
      return consent && { ...consent, state: 'suspended' };
    case 'SuspensionLifted':
      return consent && { ...consent, state: 'active' };
    case 'ConsentRevoked':
      return consent && { ...consent, state: 'revoked' };
    default:
      return consent;
  }
}

export type ConsentState = Consent['state'] | 'expired';

/** Expiry is never recorded: it holds from its instant on, scheduler or no scheduler. */
export const consentStateAt = (state: Consent['state'], expiresAt: string | undefined, now: string): ConsentState =>
  ((state === 'active' || state === 'suspended') && expiresAt !== undefined && expiresAt <= now ? 'expired' : state);

/** The consent, if it is in one of these states now. @throws DomainError NOT_FOUND, INVALID_TRANSITION */
function consentIn(
  { consents }: ConsentStreamState, consentId: string, now: string, ...allowed: readonly ConsentState[]
): Consent {
  const consent = consents[consentId];
  if (!consent) throw notFound('consent');
  const state = consentStateAt(consent.state, consent.terms.expiry?.at, now);
  if (!allowed.includes(state)) throw invalidTransition(`This consent is ${state}.`, state);
  return consent;
}

// --- what a form says -----------------------------------------------------------------------------------------------

const givenIn = (choice: object): number =>
  Object.values(choice).filter((value) => value !== undefined && value !== false).length;

/** Signing for someone else is a matter of each state's law, and not enabled. */
const otherCapacities: readonly string[] = ['minor', 'guardian', 'courtAppointedRepresentative', 'executor'];
const otherSigners: readonly string[] = roles.filter((role) => role !== 'person');

/** The form alone: each element in itself, all of them optional. */
const form = z.object({
  kind: z.enum(consentKinds),
  discloser: id,
  recipients: z.array(z.object({ orgId: id.optional(), memberId: id.optional(), class: z.enum(recipientClasses).optional() }))
    .min(1).max(100).refine((recipients) => recipients.every((one) => givenIn(one) === 1), 'Each one of orgId, memberId, class'),
  segments: someOf(segments),
  purposes: someOf(purposesOfUse),
  formHash: shortText,
  formVersion: shortText,
  signature: z.object({
    method: shortText,
    signer: shortText.refine((signer) => !otherSigners.includes(signer), 'Nobody signs for the person'),
    capacity: shortText.refine((capacity) => !otherCapacities.includes(capacity), 'Not enabled'),
  }),
  signedAt: instant,
  effectiveFrom: instant,
  expiry: z.object({ at: instant.optional(), event: longText.optional(), none: z.boolean().optional() })
    .refine((expiry) => givenIn(expiry) === 1, 'One of at, event, none: true'),
  statements: someOf(consentStatements),
  revocableFrom: instant,
}).partial();
type Form = z.infer<typeof form>;

/** The form in the words of the log. */
function contentOf({ discloser, expiry, signature, ...terms }: Form) {
  return {
    ...terms,
    ...(discloser && { discloserOrgId: discloser }),
    ...(expiry && { expiry: { ...(expiry.at && { at: expiry.at }), ...(expiry.none && { none: true as const }) } }),
    ...(expiry?.event && { expiryEvent: expiry.event }),
    ...(signature && { signature }),
  };
}

// --- what makes a grant valid ---------------------------------------------------------------------------------------

const requiredTerms = [
  'kind', 'discloserOrgId', 'recipients', 'segments', 'purposes', 'formHash', 'formVersion', 'signedAt', 'effectiveFrom',
  'expiry', 'statements',
] as const satisfies readonly (keyof Terms)[];

const treatmentPaymentOperations: readonly PurposeOfUse[] = ['TREAT', 'HPAYMT', 'HOPERAT'];

const statementsOf = (kind: ConsentKind): readonly (typeof consentStatements)[number][] =>
  (kind === 'tpo' ? consentStatements : ['rightToRevoke']);

/** The fields that keep these terms from being a valid consent, as callers name them (42 CFR 2.31, 2.35; 45 CFR 164.508). */
function faultsOf(terms: Partial<Terms>, signed: boolean): string[] {
  const missing: string[] = requiredTerms.filter((name) => terms[name] === undefined)
    .map((name) => (name === 'discloserOrgId' ? 'discloser' : name));
  if (!signed) missing.push('signature');
  return missing.length > 0 ? missing : [...brokenRules(terms as Terms)];
}

function* brokenRules({ kind, recipients, segments, purposes, effectiveFrom, expiry, statements, revocableFrom }: Terms) {
  const onlyTreatmentPaymentOperations = purposes.every((purpose) => treatmentPaymentOperations.includes(purpose));
  const counselingAlone = segments.length === 1 && segments[0] === 'counseling';

  // Counseling notes have a consent of their own, which opens nothing else.
  if (kind === 'counselingNotes' ? !counselingAlone : segments.includes('counseling')) yield 'segments';
  if (kind === 'tpo' && !onlyTreatmentPaymentOperations) yield 'purposes';
  if (kind !== 'tpo' && recipients.some((one) => one.class)) yield 'recipients';
  if (statementsOf(kind).some((one) => !statements.includes(one))) yield 'statements';
  if (expiry.none ? !onlyTreatmentPaymentOperations : expiry.at !== undefined && expiry.at <= effectiveFrom) yield 'expiry';
  if ((kind === 'criminalJustice') !== (revocableFrom !== undefined)) yield 'revocableFrom';
}

/** Nothing is signed in the future, or by anyone but the person: by id, or by their name as they typed it. */
function signingFaults(
  { signature }: Form, signedAt: string | undefined, participantId: string, { caller, now }: { caller: Caller; now: string },
): string[] {
  const ownIds = [participantId, ...(caller.role === 'person' ? [caller.memberId] : [])];
  const signer = signature?.signer.toLowerCase();
  return [
    ...(signedAt !== undefined && signedAt > now ? ['signedAt'] : []),
    ...(signer !== undefined && isUuid(signer) && !ownIds.includes(signer) ? ['signature.signer'] : []),
  ];
}

// --- commands -------------------------------------------------------------------------------------------------------

const draft = form.extend({ participantId: id });

/** Writes a form down, with whatever is known of it yet. */
export const draftConsent: CommandDefinition<z.infer<typeof draft>, ConsentStreamState, ConsentEvent> = {
  name: 'draftConsent',
  roles: ['person', 'peer'],
  input: draft,
  subject: ({ participantId }) => ({ kind: 'participant', id: participantId }),
  decide(command) {
    const { participantId, ...content } = command.input;
    const faults = signingFaults(content, content.signedAt, participantId, command);
    if (faults.length > 0) throw invalid('This form cannot be signed so.', ...faults);
    return [{
      type: 'ConsentDrafted',
      data: {
        ...contentOf(content),
        consentId: command.newId(), signed: content.signature !== undefined, recordedBy: command.caller.memberId,
      },
    }];
  },
};

const grant = form.extend({ participantId: id, consentId: id.optional() }).superRefine(({ consentId, ...content }, context) => {
  if (consentId || context.issues.length > 0) return; // a draft may have the rest; malformed elements come first
  for (const field of faultsOf(contentOf(content), content.signature !== undefined)) {
    context.addIssue({ code: 'custom', path: [field], message: 'Needed for a valid consent, in a form that its kind allows' });
  }
});

/** The person consents: anew, or to a draft of theirs, whose elements stand where no others are given. */
export const grantConsent: CommandDefinition<z.infer<typeof grant>, ConsentStreamState, ConsentEvent> = {
  name: 'grantConsent',
  roles: ['person'],
  input: grant,
  subject: ({ participantId }) => ({ kind: 'participant', id: participantId }),
  entity: ({ consentId }) => consentId,
  decide(command, state) {
    const { participantId, consentId, ...given } = command.input;
    const drafted = consentId ? consentIn(state, consentId, command.now, 'draft') : undefined;
    const content = { ...drafted?.terms, ...contentOf(given) };
    const faults = [
      ...faultsOf(content, drafted?.signed || given.signature !== undefined),
      ...signingFaults(given, content.signedAt, participantId, command),
    ];
    if (faults.length > 0) throw invalid('This is no valid consent yet.', ...faults);
    return [{
      type: 'ConsentGranted',
      data: {
        ...(content as typeof content & Terms),
        consentId: consentId ?? command.newId(), recordedBy: command.caller.memberId,
      },
    }];
  },
};

const ofConsent = z.object({ consentId: id });
type OfConsent = z.infer<typeof ofConsent>;
const consentItem = ({ consentId }: OfConsent) => ({ kind: 'item', type: 'consent', id: consentId }) as const;
const consentEntity = ({ consentId }: OfConsent): string => consentId;

/** Whether the caller is a current member of the person's team. */
interface TeamFacts {
  onTeam: boolean;
}

function workersOnlyFromTheTeam({ caller, facts }: { caller: Caller; facts: TeamFacts }): void {
  if (caller.role !== 'person' && !facts.onTeam) throw forbidden('Not on this care team.');
}

const narrowing = ofConsent.extend({ segments: someOf(segments) });

/** Keeps some of the segments; the others are withdrawn. */
export const narrowConsent: CommandDefinition<z.infer<typeof narrowing>, ConsentStreamState, ConsentEvent> = {
  name: 'narrowConsent',
  roles: ['person'],
  input: narrowing,
  subject: consentItem,
  entity: consentEntity,
  decide({ input, now }, state) {
    const granted = consentIn(state, input.consentId, now, 'active', 'suspended').terms.segments ?? [];
    const fewer = input.segments.length < granted.length && input.segments.every((segment) => granted.includes(segment));
    if (!fewer) throw invalid('Narrowing leaves fewer segments, and adds none.', 'segments');
    return [{ type: 'ConsentNarrowed', data: input }];
  },
};

/** Oral and immediate. */
export const suspendConsent: CommandDefinition<OfConsent, ConsentStreamState, ConsentEvent, TeamFacts> = {
  name: 'suspendConsent',
  roles: ['person', ...workerRoles],
  input: ofConsent,
  subject: consentItem,
  entity: consentEntity,
  authorize: workersOnlyFromTheTeam,
  decide({ input, now }, state) {
    consentIn(state, input.consentId, now, 'active');
    return [{ type: 'ConsentSuspended', data: input }];
  },
};

export const liftSuspension: CommandDefinition<OfConsent, ConsentStreamState, ConsentEvent> = {
  name: 'liftSuspension',
  roles: ['person'],
  input: ofConsent,
  subject: consentItem,
  entity: consentEntity,
  decide({ input, now }, state) {
    consentIn(state, input.consentId, now, 'suspended');
    return [{ type: 'SuspensionLifted', data: input }];
  },
};

const revocation = ofConsent.extend({ artifactHash: shortText.optional() });
type Revocation = z.infer<typeof revocation>;

/**
 * In writing: the hash of what the person signed, or their own act in the application, which is made into an artifact.
 * @throws DomainError REVOCATION_NOT_YET before a criminal-justice consent may be revoked (42 CFR 2.35)
 */
export const revokeConsent: CommandDefinition<Revocation, ConsentStreamState, ConsentEvent, TeamFacts> = {
  name: 'revokeConsent',
  roles: ['person', ...workerRoles],
  input: revocation,
  // What a worker records was put in writing.
  missing: ({ artifactHash }, { role }) => (!artifactHash && role !== 'person' ? ['artifactHash'] : []),
  subject: consentItem,
  entity: consentEntity,
  authorize: workersOnlyFromTheTeam,
  decide(command, state) {
    const { input: { consentId, artifactHash }, caller, now } = command;
    const byPerson = caller.role === 'person';
    const { revocableFrom } = consentIn(state, consentId, now, 'active', 'suspended', 'expired').terms;
    if (revocableFrom && now < revocableFrom) throw new DomainError('REVOCATION_NOT_YET', `Revocable from ${revocableFrom} on.`);
    return [{
      type: 'ConsentRevoked',
      data: { consentId, artifactHash: artifactHash ?? hashOfOwnAct(command), madeBy: byPerson ? 'person' : 'worker' },
    }];
  },
};

/** The artifact of a person's authenticated act: who revoked which consent of whom, and when. SHA-256, hex. */
function hashOfOwnAct({ input, caller, participantId, now }: Command<Revocation, TeamFacts>): string {
  const artifact = ['revocation', participantId, input.consentId, caller.memberId, now].join('\n');
  return sha256(artifact);
}

export const consentCommands = [draftConsent, grantConsent, narrowConsent, suspendConsent, liftSuspension, revokeConsent];
