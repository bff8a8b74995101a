import { z } from 'zod';
import {
  documentHash, DomainError, forbidden, id, instant, invalid, invalidTransition, isUuid, longText, notFound, purposesOfUse,
  segments, sha256, shortText, someOf, versionToken, workerRoles, type Caller, type Command, type CommandDefinition,
  type PurposeOfUse, type StreamDefinition,
} from '@peerbridge/kernel';
import {
  capacities, consentEvents, consentKinds, consentStatements, recipientClasses, type ConsentEvent, type ConsentFact,
  type ConsentKind, type Terms,
} from './events.js';

/** A consent as it was left by the events; a draft may lack terms. */
export interface Consent {
  state: 'draft' | 'active' | 'suspended' | 'revoked';
  terms: Partial<Terms>;
  signed: boolean;
  /** A withdrawal that came before its time takes effect here. */
  revokedFrom?: string;
}

export interface ConsentStreamState {
  /** By consent id. */
  consents: Record<string, Consent>;
}

export const consentStream: StreamDefinition<ConsentStreamState, ConsentFact> = {
  category: 'consent',
  keyedBy: 'participant',
  events: consentEvents,
  initialState: () => ({ consents: {} }),
  evolve(state, fact) {
    const { consentId } = fact.data;
    const consent = evolveConsent(state.consents[consentId], fact);
    if (consent) state.consents[consentId] = consent;
    return state;
  },
  entityOf: (fact) => fact.data.consentId,
};

function evolveConsent(consent: Consent | undefined, fact: ConsentFact): Consent | undefined {
  switch (fact.type) {
    case 'ConsentDrafted': {
      const { consentId: _id, recordedBy: _by, signed, ...terms } = fact.data;
      // A worker's draft bore a signature once: nobody signs for the person.
      return { state: 'draft', terms, signed: signed && fact.actor.role === 'person' };
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
    case 'RevocationRequested':
      return consent && { ...consent, revokedFrom: fact.data.revokedFrom };
    default:
      return consent;
  }
}

export type ConsentState = Consent['state'] | 'expired';

/** What comes with time is never recorded: it holds from its instant on, scheduler or no scheduler. */
export function consentStateAt(
  { state, expiresAt, revokedFrom }: { state: Consent['state']; expiresAt?: string; revokedFrom?: string | null }, now: string,
): ConsentState {
  if (state !== 'active' && state !== 'suspended') return state;
  if (revokedFrom && revokedFrom <= now) return 'revoked';
  return expiresAt !== undefined && expiresAt <= now ? 'expired' : state;
}

/** The consent, if it is in one of these states now. @throws DomainError NOT_FOUND, INVALID_TRANSITION */
function consentIn(
  { consents }: ConsentStreamState, consentId: string, now: string, ...allowed: readonly ConsentState[]
): Consent {
  const consent = consents[consentId];
  if (!consent) throw notFound('consent');
  const state = consentStateAt({ ...consent, expiresAt: consent.terms.expiry?.at }, now);
  if (!allowed.includes(state)) throw invalidTransition(`This consent is ${state}.`, state);
  return consent;
}

// --- what a form says -----------------------------------------------------------------------------------------------

const givenIn = (choice: object): number =>
  Object.values(choice).filter((value) => value !== undefined && value !== false).length;

/** Signing for someone else is a matter of each state's law, and not enabled. */
const enabledCapacities: readonly (typeof capacities)[number][] = ['self'];

/** The form alone: each element in itself, all of them optional. */
const form = z.object({
  kind: z.enum(consentKinds),
  discloser: id,
  recipients: z.array(z.object({ orgId: id.optional(), memberId: id.optional(), class: z.enum(recipientClasses).optional() }))
    .min(1).max(100).refine((recipients) => recipients.every((one) => givenIn(one) === 1), 'Each one of orgId, memberId, class'),
  segments: someOf(segments),
  purposes: someOf(purposesOfUse),
  formHash: documentHash,
  formVersion: versionToken,
  signature: z.object({
    method: shortText,
    signer: shortText,
    capacity: z.enum(capacities).refine((capacity) => enabledCapacities.includes(capacity), 'Not enabled'),
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

function* brokenRules({
  kind, recipients, segments, purposes, formHash, formVersion, effectiveFrom, expiry, statements, revocableFrom,
}: Terms) {
  const onlyTreatmentPaymentOperations = purposes.every((purpose) => treatmentPaymentOperations.includes(purpose));
  const counselingAlone = segments.length === 1 && segments[0] === 'counseling';

  // A draft of an earlier release may hold any text.
  if (!documentHash.safeParse(formHash).success) yield 'formHash';
  if (!versionToken.safeParse(formVersion).success) yield 'formVersion';
  // Counseling notes have a consent of their own, which opens nothing else.
  if (kind === 'counselingNotes' ? !counselingAlone : segments.includes('counseling')) yield 'segments';
  if (kind === 'tpo' && !onlyTreatmentPaymentOperations) yield 'purposes';
  if (kind !== 'tpo' && recipients.some((one) => one.class)) yield 'recipients';
  if (statementsOf(kind).some((one) => !statements.includes(one))) yield 'statements';
  if (expiry.none ? !onlyTreatmentPaymentOperations : expiry.at !== undefined && expiry.at <= effectiveFrom) yield 'expiry';
  if ((kind === 'criminalJustice') !== (revocableFrom !== undefined)) yield 'revocableFrom';
  if (revocableFrom && expiry.at && revocableFrom > expiry.at) yield 'revocableFrom';
}

export interface SigningFacts {
  /** The person's names, as the record has them; none for anybody but the person. */
  names: readonly string[];
}

/** However it is typed: in capitals or not, with blanks or without. */
const nameAsCompared = (name: string): string => name.normalize('NFKC').toLowerCase().replace(/\s+/g, '');

/** Nothing is signed in the future, or by anyone but the person: by id, or by their name (42 CFR 2.31(a)(8)). */
function signingFaults(
  { signature }: Form, signedAt: string | undefined, participantId: string,
  { caller, now, facts: { names } }: { caller: Caller; now: string; facts: SigningFacts },
): string[] {
  const faults = signedAt !== undefined && signedAt > now ? ['signedAt'] : [];
  if (!signature) return faults;
  const { signer } = signature;
  const isThem = isUuid(signer) ? [participantId, caller.memberId].includes(signer.toLowerCase())
    : names.map(nameAsCompared).includes(nameAsCompared(signer));
  return isThem ? faults : [...faults, 'signature.signer'];
}

// --- commands -------------------------------------------------------------------------------------------------------

const draft = form.extend({ participantId: id });

/** Writes a form down, with whatever is known of it yet. The person may sign it; a peer never does. */
export const draftConsent: CommandDefinition<z.infer<typeof draft>, ConsentStreamState, ConsentEvent, SigningFacts> = {
  name: 'draftConsent',
  roles: ['person', 'peer'],
  input: draft,
  happened: ['signedAt'],
  faults: ({ signature }, { role }) => (signature && role !== 'person' ? ['signature'] : []),
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

const granted = form.extend({ participantId: id.optional(), consentId: id.optional() });
const grant = granted.superRefine(({ consentId, ...content }, context) => {
  if (consentId || context.issues.length > 0) return; // a draft may have the rest; malformed elements come first
  for (const field of faultsOf(contentOf(content), content.signature !== undefined)) {
    context.addIssue({ code: 'custom', path: [field], message: 'Needed for a valid consent, in a form that its kind allows' });
  }
});

/** The person consents: anew, or to a draft of theirs, whose elements stand where no others are given. */
export const grantConsent: CommandDefinition<z.infer<typeof grant>, ConsentStreamState, ConsentEvent, SigningFacts> = {
  name: 'grantConsent',
  roles: ['person'],
  input: grant,
  happened: ['signedAt'],
  faults: ({ participantId, consentId }) => (participantId || consentId ? [] : ['participantId']),
  // A draft says whose it is.
  subject: ({ participantId, consentId }) => (participantId
    ? { kind: 'participant', id: participantId } : { kind: 'item', type: 'consent', id: consentId! }),
  entity: ({ consentId }) => consentId,
  authorize({ input: { consentId } }, { consents }) {
    if (consentId && !consents[consentId]) throw notFound('consent');
  },
  decide(command, state) {
    const { participantId: _of, consentId, ...given } = command.input;
    const drafted = consentId ? consentIn(state, consentId, command.now, 'draft') : undefined;
    const content = { ...drafted?.terms, ...contentOf(given) };
    const faults = [
      ...faultsOf(content, drafted?.signed || given.signature !== undefined),
      ...signingFaults(given, content.signedAt, command.participantId, command),
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

interface RecordingFacts {
  /** The caller is a current member of the person's team. */
  onTeam: boolean;
  /** They may see the consent. */
  visible: boolean;
}

/** What the person says to anyone of their team is recorded, whatever that one may see of it. */
const recordedUnseen = (input: OfConsent) => ({ ...consentItem(input), unseen: true }) as const;

function personOrTheirTeam({ caller, facts }: { caller: Caller; facts: RecordingFacts }): void {
  if (facts.onTeam || (facts.visible && caller.role === 'person')) return;
  throw facts.visible ? forbidden('Not on this care team.') : notFound('consent');
}

/**
 * A withdrawal before the law lets it take effect is recorded, and answered `REVOCATION_NOT_YET` (42 CFR 2.35).
 * @returns undefined where nothing holds it up
 */
function beforeItsTime(
  { terms: { revocableFrom }, revokedFrom }: Consent, { caller, now }: { caller: Caller; now: string },
  request: { consentId: string; asked: 'revocation' | 'suspension' | 'narrowing'; artifactHash?: string },
): ConsentEvent[] | undefined {
  if (!revocableFrom || now >= revocableFrom) return undefined;
  if (revokedFrom) throw notYet();
  const madeBy = caller.role === 'person' ? 'person' : 'worker';
  return [{ type: 'RevocationRequested', data: { ...request, madeBy, revokedFrom: revocableFrom } }];
}

const notYet = () => new DomainError('REVOCATION_NOT_YET', 'Recorded: it takes effect on the day from which this is revocable.');
const withdrawalRefusal = (recorded: ConsentEvent['type']): DomainError | undefined =>
  (recorded === 'RevocationRequested' ? notYet() : undefined);

const narrowing = ofConsent.extend({ segments: someOf(segments) });

/** Keeps some of the segments; the others are withdrawn. */
export const narrowConsent: CommandDefinition<z.infer<typeof narrowing>, ConsentStreamState, ConsentEvent> = {
  name: 'narrowConsent',
  roles: ['person'],
  input: narrowing,
  subject: consentItem,
  entity: consentEntity,
  decide(command, state) {
    const { input, now } = command;
    const consent = consentIn(state, input.consentId, now, 'active', 'suspended');
    const granted = consent.terms.segments ?? [];
    const fewer = input.segments.length < granted.length && input.segments.every((segment) => granted.includes(segment));
    if (!fewer) throw invalid('Narrowing leaves fewer segments, and adds none.', 'segments');
    return beforeItsTime(consent, command, { consentId: input.consentId, asked: 'narrowing' })
      ?? [{ type: 'ConsentNarrowed', data: input }];
  },
  refusal: withdrawalRefusal,
};

/** Oral and immediate. */
export const suspendConsent: CommandDefinition<OfConsent, ConsentStreamState, ConsentEvent, RecordingFacts> = {
  name: 'suspendConsent',
  roles: ['person', ...workerRoles],
  input: ofConsent,
  subject: recordedUnseen,
  entity: consentEntity,
  admit: personOrTheirTeam,
  decide(command, state) {
    const { input, now } = command;
    const consent = consentIn(state, input.consentId, now, 'active');
    return beforeItsTime(consent, command, { ...input, asked: 'suspension' }) ?? [{ type: 'ConsentSuspended', data: input }];
  },
  refusal: withdrawalRefusal,
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

const revocation = ofConsent.extend({ artifactHash: documentHash.optional() });
type Revocation = z.infer<typeof revocation>;

/** In writing: the hash of what the person signed, or their own act in the application, which is made into an artifact. */
export const revokeConsent: CommandDefinition<Revocation, ConsentStreamState, ConsentEvent, RecordingFacts> = {
  name: 'revokeConsent',
  roles: ['person', ...workerRoles],
  input: revocation,
  // What a worker records was put in writing.
  faults: ({ artifactHash }, { role }) => (!artifactHash && role !== 'person' ? ['artifactHash'] : []),
  subject: recordedUnseen,
  entity: consentEntity,
  admit: personOrTheirTeam,
  decide(command, state) {
    const { input, caller, now } = command;
    const { consentId, artifactHash = hashOfOwnAct(command) } = input;
    const consent = consentIn(state, consentId, now, 'active', 'suspended', 'expired');
    return beforeItsTime(consent, command, { consentId, artifactHash, asked: 'revocation' }) ?? [{
      type: 'ConsentRevoked', data: { consentId, artifactHash, madeBy: caller.role === 'person' ? 'person' : 'worker' },
    }];
  },
  refusal: withdrawalRefusal,
};

/** The artifact of a person's authenticated act: who revoked which consent of whom, and when. SHA-256, hex. */
function hashOfOwnAct({ input, caller, participantId, now }: Command<Revocation, RecordingFacts>): string {
  const artifact = ['revocation', participantId, input.consentId, caller.memberId, now].join('\n');
  return sha256(artifact);
}

export const consentCommands = [draftConsent, grantConsent, narrowConsent, suspendConsent, liftSuspension, revokeConsent];
