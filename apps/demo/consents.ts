import { createHash } from 'node:crypto';
import { segments } from '@peerbridge/kernel';
import { center } from './cast.js';
import { isShown, type Life, type Need } from './life.js';
import { recordedAt, whenRecorded, type Step, type Story } from './step.js';
import { daysFrom } from './time.js';

interface Form {
  kind: string;
  discloser: string;
  recipients: readonly object[];
  segments: readonly string[];
  purposes: readonly string[];
  /** Days from the signature on; absent: no end. */
  forDays?: number;
}

export interface Consents {
  treatment: string;
  /** The named ones, in the order of the needs they are for, each with its form. */
  named: readonly { id: string; form: Form }[];
}

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');
const formHash = sha256('Consent to share information, form of 2026');

const filledIn = ({ forDays, ...form }: Form, signedAt: string) => ({
  ...form, formHash, formVersion: '2026-01',
  statements: ['rightToRevoke', 'redisclosure', 'refusalConsequences'],
  expiry: forDays === undefined ? { none: true } : { at: daysFrom(signedAt, forDays) },
});

const signed = ({ participantId }: Life, at: string) =>
  ({ signature: { method: 'electronic', signer: participantId, capacity: 'self' }, signedAt: at, effectiveFrom: at });

const grant = (life: Life, form: Form, at: string): Step => ({
  as: life.person, mutation: 'grantConsent',
  input: { participantId: life.participantId, ...filledIn(form, at), ...signed(life, at) },
});

/** The peer fills the form in, and the person reads and signs it. */
function* preparedGrant(life: Life, form: Form, at: string): Story<string> {
  const { participantId, peer, person } = life;
  const draft = yield { as: peer, mutation: 'draftConsent', input: { participantId, ...filledIn(form, at) } };
  const { id } = yield {
    as: person, mutation: 'grantConsent', input: { participantId, consentId: draft.id, ...signed(life, at) },
  };
  return id;
}

const allButCounseling = segments.filter((segment) => segment !== 'counseling');

/** To any clinician or physician whom the person has on their team. */
const treatment = (discloser: string): Form => ({
  kind: 'tpo', discloser, recipients: [{ class: 'treatingProviders' }], segments: allButCounseling,
  purposes: ['TREAT', 'HPAYMT', 'HOPERAT'],
});

/** What a helper of each kind needs to see. */
const segmentsFor: Readonly<Record<Need['category'], readonly string[]>> = {
  housing: ['identity', 'housing'], employment: ['employment'], education: ['education'], food: ['identity', 'social'],
  transport: ['identity', 'social'],
};

/** @param at when the person signs */
export function* consentsOf(life: Life, at: string): Story<Consents> {
  const { random, peer, clinician, physician, kin, needs } = life;
  const { id } = yield grant(life, treatment(center.id), at);
  const named: { id: string; form: Form }[] = [];
  for (const { category, helper } of needs) {
    const form = {
      kind: 'named', discloser: center.id, recipients: [{ orgId: helper.orgId }], segments: segmentsFor[category],
      purposes: ['COC'], forDays: random.pick([180, 365]),
    };
    const granted = random.chance(50) ? yield* preparedGrant(life, form, at) : (yield grant(life, form, at)).id;
    named.push({ id: granted, form });
  }
  // The clinic's own records: to the physician, and to the peer what it wrote for both.
  if (physician) yield grant(life, treatment(clinician.orgId), at);
  if (isShown(life) || random.chance(60)) {
    yield grant(life, {
      kind: 'named', discloser: clinician.orgId, recipients: [{ memberId: peer.memberId }], segments: ['mh', 'health'],
      purposes: ['TREAT'], forDays: 365,
    }, at);
  }
  if (physician && random.chance(15)) {
    yield grant(life, {
      kind: 'counselingNotes', discloser: clinician.orgId, recipients: [{ memberId: physician.memberId }],
      segments: ['counseling'], purposes: ['TREAT'], forDays: 90,
    }, at);
  }
  if (kin) {
    yield* preparedGrant(life, {
      kind: 'family', discloser: center.id, recipients: [{ memberId: kin.memberId }],
      segments: random.pick([['team', 'goals', 'social'], ['team']]), purposes: ['FAMRQT'], forDays: 365,
    }, at);
  }
  return { treatment: id, named };
}

/** Withdrawals, and what follows them. Whom they concern loses sight of the person at once. */
export function* turn(life: Life, { treatment: treatmentId, named }: Consents): Story {
  const { participantId, person, peer, physician, clinician } = life;
  const { id, form } = named[0]!;
  const personally = (mutation: string, more: object = {}): Step => ({ as: person, mutation, input: { consentId: id, ...more } });
  const bySpokenWord: Step = { as: peer, mutation: 'suspendConsent', input: { consentId: id } };
  const clinicianOfTheirs = { participantId, memberId: clinician.memberId };
  switch (life.turn) {
    case 'none':
      return;
    case 'narrows': {
      const whatStays = allButCounseling.filter((segment) => segment !== 'peer' && segment !== 'social');
      yield personally('narrowConsent', { consentId: treatmentId, segments: whatStays });
      return;
    }
    case 'suspends':
      yield bySpokenWord;
      return;
    case 'resumes':
      yield bySpokenWord;
      yield personally('liftSuspension');
      return;
    case 'revokes':
      yield personally('revokeConsent');
      return;
    case 'revokesOnPaper': {
      const artifactHash = sha256(`The revocation that ${participantId} signed`);
      yield { as: peer, mutation: 'revokeConsent', input: { consentId: id, artifactHash } };
      return;
    }
    case 'consentsAgain': {
      const select = `consent { participant { ${recordedAt('ConsentRevoked')} } }`;
      const { consent } = yield { ...personally('revokeConsent'), select };
      yield grant(life, form, whenRecorded((consent as { participant: unknown }).participant));
      return;
    }
    case 'restricts':
      yield { as: person, mutation: 'restrictWorker', input: clinicianOfTheirs };
      if (life.random.chance(50)) yield { as: person, mutation: 'liftRestriction', input: clinicianOfTheirs };
      return;
    case 'partsWithPhysician':
      yield { as: person, mutation: 'removeTeamMember', input: { participantId, memberId: physician!.memberId } };
      return;
  }
}
