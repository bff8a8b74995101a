import { createHash } from 'node:crypto';
import { segments } from '@peerbridge/kernel';
import { center } from './cast.js';
import { isShown, type Life, type Need } from './life.js';
import type { Step, Story } from './step.js';
import { daysFrom, timeOf, type Times } from './time.js';

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
  input: { participantId: life.participantId, occurredAt: at, ...filledIn(form, at), ...signed(life, at) },
});

/** The peer fills the form in, and the person reads and signs it. */
function* preparedGrant(life: Life, form: Form, at: string): Story<string> {
  const { participantId, peer, person } = life;
  const draft = yield { as: peer, mutation: 'draftConsent', input: { participantId, occurredAt: at, ...filledIn(form, at) } };
  const { id } = yield {
    as: person, mutation: 'grantConsent', input: { participantId, occurredAt: at, consentId: draft.id, ...signed(life, at) },
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

export function* consentsOf(life: Life, times: Times): Story<Consents> {
  const at = timeOf(times.paper(2));
  const { random, peer, clinician, physician, kin, needs } = life;
  const { id } = yield grant(life, treatment(center.id), at);
  const named: { id: string; form: Form }[] = [];
  for (const { category, helper } of needs) {
    const form = {
      kind: 'named', discloser: center.id, recipients: [{ orgId: helper.orgId }], segments: segmentsFor[category],
      purposes: ['COC'], forDays: random.pick([540, 730]),
    };
    const granted = random.chance(50) ? yield* preparedGrant(life, form, at) : (yield grant(life, form, at)).id;
    named.push({ id: granted, form });
  }
  // The clinic's own records: to the physician, and to the peer what it wrote for both.
  if (physician) yield grant(life, treatment(clinician.orgId), at);
  if (isShown(life) || random.chance(60)) {
    yield grant(life, {
      kind: 'named', discloser: clinician.orgId, recipients: [{ memberId: peer.memberId }], segments: ['mh', 'health'],
      purposes: ['TREAT'], forDays: 730,
    }, at);
  }
  if (physician && random.chance(15)) {
    yield grant(life, {
      kind: 'counselingNotes', discloser: clinician.orgId, recipients: [{ memberId: physician.memberId }],
      segments: ['counseling'], purposes: ['TREAT'], forDays: 540,
    }, at);
  }
  if (kin) {
    yield* preparedGrant(life, {
      kind: 'family', discloser: center.id, recipients: [{ memberId: kin.memberId }],
      segments: random.pick([['team', 'goals', 'social'], ['team']]), purposes: ['FAMRQT'], forDays: 730,
    }, at);
  }
  return { treatment: id, named };
}

/** Withdrawals, and what follows them. Whom they concern loses sight of the person at once. */
export function* turn(life: Life, { treatment: treatmentId, named }: Consents, times: Times): Story {
  const { participantId, person, peer, physician, clinician } = life;
  const { id, form } = named[0]!;
  const [occurredAt, afterwards] = [timeOf(times.turn(0)), timeOf(times.turn(1))];
  const personally = (mutation: string, more: object = {}): Step =>
    ({ as: person, mutation, input: { consentId: id, occurredAt, ...more } });
  const bySpokenWord: Step = { as: peer, mutation: 'suspendConsent', input: { consentId: id, occurredAt } };
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
      yield personally('liftSuspension', { occurredAt: afterwards });
      return;
    case 'revokes':
      yield personally('revokeConsent');
      return;
    case 'revokesOnPaper': {
      const artifactHash = sha256(`The revocation that ${participantId} signed`);
      yield { as: peer, mutation: 'revokeConsent', input: { consentId: id, occurredAt, artifactHash } };
      return;
    }
    case 'consentsAgain':
      yield personally('revokeConsent');
      yield grant(life, form, afterwards);
      return;
    case 'restricts':
      yield { as: person, mutation: 'restrictWorker', input: { ...clinicianOfTheirs, occurredAt } };
      if (life.random.chance(50)) {
        yield { as: person, mutation: 'liftRestriction', input: { ...clinicianOfTheirs, occurredAt: afterwards } };
      }
      return;
    case 'partsWithPhysician':
      yield {
        as: person, mutation: 'removeTeamMember', input: { participantId, occurredAt, memberId: physician!.memberId },
      };
      return;
  }
}
