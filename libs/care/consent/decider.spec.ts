import { describe, it, expect } from '@jest/globals';
import fc from 'fast-check';
import { segments, workerRoles, type Caller, type Segment } from '@peerbridge/kernel';
import { derivedId, fact, given } from '../../kernel/testing.js';
import {
  consentStateAt, consentStream, draftConsent, grantConsent, liftSuspension, narrowConsent, revokeConsent, suspendConsent,
} from './decider.js';

const p1 = '00000001-0000-4000-8000-000000000000';
const orgR = '00000010-0000-4000-8000-000000000000';
const orgH = '00000011-0000-4000-8000-000000000000';
const consentId = '00000040-0000-4000-8000-000000000000';
const person: Caller = { memberId: '00000020-0000-4000-8000-000000000000', role: 'person', orgId: orgR, participantId: p1 };
const peer: Caller = { memberId: '00000021-0000-4000-8000-000000000000', role: 'peer', orgId: orgR };
const onTeam = { onTeam: true, visible: true };
const offTeam = { onTeam: false, visible: true };

const now = '2026-01-15T12:00:00.000Z';
const [formHash, artifactHash] = ['5f70', '9f86'].map((start) => start.padEnd(64, '0')) as [string, string];
/** Of whoever signs: the person's names, where it is the person who asks. */
const signing = { names: ['Maria', 'Maria Gomez'] };
const unnamed = { names: [] };
const day = (date: string): string => `${date}T00:00:00.000Z`;

/** C-H of the scenarios: housing, for OrgH, until March. */
const housing = {
  participantId: p1, kind: 'named', discloser: orgR, recipients: [{ orgId: orgH }], segments: ['identity', 'housing'],
  purposes: ['COC'], formHash, formVersion: '2026-01',
  signature: { method: 'electronic', signer: p1, capacity: 'self' },
  signedAt: day('2026-01-10'), effectiveFrom: day('2026-01-10'), expiry: { at: day('2026-03-01') }, statements: ['rightToRevoke'],
};
/** C-TPO: treating providers, all but counseling, no expiry. */
const tpo = {
  ...housing, kind: 'tpo', recipients: [{ class: 'treatingProviders' }], segments: segments.filter((one) => one !== 'counseling'),
  purposes: ['TREAT', 'HPAYMT', 'HOPERAT'], expiry: { none: true },
  statements: ['rightToRevoke', 'redisclosure', 'refusalConsequences'],
};
const counseling = { ...housing, kind: 'counselingNotes', segments: ['counseling'], purposes: ['TREAT'] };
const legal = { ...housing, kind: 'legalProceeding', segments: ['sud'] };
const justice = { ...housing, kind: 'criminalJustice', segments: ['justice'], revocableFrom: day('2026-02-01') };
const family = { ...housing, kind: 'family', segments: ['team', 'goals'], purposes: ['FAMRQT'] };

/** The same in the words of the log. */
const { participantId: _participant, discloser: _discloser, signature, ...sameWords } = housing;
const housingTerms = { ...sameWords, discloserOrgId: orgR } as const;
type GrantedFact = Extract<Parameters<typeof consentStream.evolve>[1], { type: 'ConsentGranted' }>;
const grantedAs = (terms: object): GrantedFact =>
  fact('ConsentGranted', { ...housingTerms, consentId, recordedBy: person.memberId, ...terms }, person) as GrantedFact;

const granted = grantedAs({});
const suspended = fact('ConsentSuspended', { consentId }, peer);
const lifted = fact('SuspensionLifted', { consentId }, person);
const revoked = fact('ConsentRevoked', { consentId, artifactHash, madeBy: 'worker' as const }, peer);
const draftedWith = (terms: object) =>
  fact('ConsentDrafted', { consentId, signed: false, recordedBy: peer.memberId, ...terms }, peer);

const grant = (input: object, as: Caller = person) => given(consentStream)
  .when(grantConsent, input, { as, now, commandId: 'c1', facts: signing });
const refusedFields = (input: object) => ({ naming: (...fields: string[]) => grant(input)
  .thenRefused('VALIDATION', { fields }) });

describe('Granting consent', () => {
  it('keeps everything the form says, and who recorded it', () => {
    grant(housing).then({
      type: 'ConsentGranted',
      data: {
        ...(housingTerms as object), signature, consentId: derivedId(person.memberId, 'c1', 0), recordedBy: person.memberId,
      } as never,
    });
  });

  it.each([
    ['tpo', tpo], ['named', housing], ['counselingNotes', counseling], ['legalProceeding', legal], ['criminalJustice', justice],
    ['family', family],
  ])('is possible in the kind %s', (_kind, input) => expect(grant(input).events()).toHaveLength(1));

  it.each([
    'kind', 'discloser', 'recipients', 'segments', 'purposes', 'formHash', 'formVersion', 'signature', 'signedAt',
    'effectiveFrom', 'expiry', 'statements', 'participantId',
  ])('without %s is refused, naming it', (field) => refusedFields({ ...housing, [field]: undefined }).naming(field));

  it('names all that is missing', () => {
    refusedFields({ ...housing, formHash: undefined, expiry: undefined, signature: undefined })
      .naming('formHash', 'expiry', 'signature');
  });

  it.each(['method', 'signer', 'capacity'])('needs the signature’s %s', (field) => {
    refusedFields({ ...housing, signature: { ...signature, [field]: undefined } }).naming(`signature.${field}`);
  });

  it.each(['recipients', 'segments', 'purposes', 'statements'])('needs at least one of %s', (field) => {
    refusedFields({ ...housing, [field]: [] }).naming(field);
  });

  it.each([
    ['kind', 'general'], ['formHash', ' '], ['formHash', 'sha256:5f70'], ['formHash', `${formHash}0`],
    ['formHash', 'Maria Gomez, 12 April 1990'], ['formVersion', 'as told to Pat'], ['formVersion', '1'.repeat(33)],
    ['signedAt', '2026-02-30T00:00:00Z'], ['effectiveFrom', 'soon'],
    ['discloser', 'OrgR'],
  ])('refuses a malformed %s', (field, value) => refusedFields({ ...housing, [field]: value }).naming(field));

  it('is the person’s alone: no worker grants for them', () => {
    for (const role of workerRoles) grant(housing, { ...peer, role }).thenRefused('FORBIDDEN_ROLE');
    grant(housing, { ...person, role: 'family' }).thenRefused('FORBIDDEN_ROLE');
  });
});

describe('The recipients of a consent', () => {
  it('are each one organization, one member or one class', () => {
    for (const one of [{}, { orgId: orgH, memberId: peer.memberId }, { orgId: orgH, class: 'treatingProviders' }]) {
      refusedFields({ ...tpo, recipients: [{ orgId: orgH }, one] }).naming('recipients');
    }
    expect(grant({ ...housing, recipients: [{ orgId: orgH }, { memberId: peer.memberId }] }).events()).toHaveLength(1);
  });

  it('are a class only for treatment, payment and operations', () => {
    for (const one of [housing, counseling, legal, justice, family]) {
      refusedFields({ ...one, recipients: [{ class: 'treatingProviders' }] }).naming('recipients');
    }
    grant({ ...tpo, recipients: [{ class: 'everybody' }] }).thenRefused('VALIDATION');
  });
});

describe('The signature', () => {
  it('is the person’s: by participant id, by member id, or by their name as they typed it', () => {
    const names = ['Maria Gomez', 'maria gomez ', 'MARIA  GOMEZ', 'Maria'];
    for (const signer of [p1, p1.toUpperCase(), person.memberId, ...names]) {
      expect(grant({ ...housing, signature: { ...signature, signer } }).events()).toHaveLength(1);
    }
  });

  it('is nobody else’s', () => {
    for (const signer of [peer.memberId, 'peer', 'person', 'PE1 for Sam', 'Maria Gomes', 'Pat for Maria Gomez', ' ']) {
      refusedFields({ ...housing, signature: { ...signature, signer } }).naming('signature.signer');
    }
  });

  it('is in no draft of a peer’s, whomever it names', () => {
    for (const signer of [peer.memberId, p1, 'Maria Gomez']) {
      const signedByPeer = { participantId: p1, signature: { ...signature, signer } };
      given(consentStream).when(draftConsent, signedByPeer, { as: peer, facts: unnamed })
        .thenRefused('VALIDATION', { fields: ['signature'] });
    }
  });

  it('that a peer put in a draft once carries no grant', () => {
    const drafted = draftedWith({ ...housingTerms, signed: true });
    given(consentStream, drafted).when(grantConsent, { consentId }, { as: person, now, participantId: p1, facts: signing })
      .thenRefused('VALIDATION', { fields: ['signature'] });
  });

  it('is given in no other capacity, none being enabled', () => {
    for (const capacity of [
      'minor', 'guardian', 'Guardian', 'courtAppointedRepresentative', 'executor', 'peer', 'Self', 'on her behalf',
    ]) {
      refusedFields({ ...housing, signature: { ...signature, capacity } }).naming('signature.capacity');
    }
  });

  it('is not of the future', () => {
    refusedFields({ ...housing, signedAt: '2026-01-15T12:00:00.001Z' }).naming('signedAt');
    expect(grant({ ...housing, signedAt: '2026-01-15T13:00:00+01:00' }).events()).toHaveLength(1);
  });
});

describe('The expiry', () => {
  it('is an instant, an event or none: exactly one', () => {
    const at = day('2026-03-01');
    for (const expiry of [{}, { none: false }, { at, none: true }, { at, event: 'The lease is signed' }]) {
      refusedFields({ ...housing, expiry }).naming('expiry');
    }
  });

  it('that is an event keeps its words apart from the terms', () => {
    expect(grant({ ...housing, expiry: { event: 'The lease is signed' } }).events()[0]!.data)
      .toMatchObject({ expiry: {}, expiryEvent: 'The lease is signed' });
  });

  it('is later than the beginning', () => {
    refusedFields({ ...housing, expiry: { at: housing.effectiveFrom } }).naming('expiry');
    expect(grant({ ...housing, expiry: { at: '2026-01-10T00:00:00.001Z' } }).events()).toHaveLength(1);
  });

  it('may be none only where every purpose is treatment, payment or operations', () => {
    expect(grant({ ...housing, purposes: ['TREAT', 'HPAYMT'], expiry: { none: true } }).events()).toHaveLength(1);
    for (const purposes of [['COC'], ['TREAT', 'COC'], ['FAMRQT'], ['ETREAT']]) {
      refusedFields({ ...housing, purposes, expiry: { none: true } }).naming('expiry');
    }
  });
});

describe('Each kind of consent', () => {
  it('tpo: for treatment, payment and operations, with every statement, never for counseling notes', () => {
    refusedFields({ ...tpo, purposes: ['TREAT', 'COC'], expiry: { at: day('2026-03-01') } }).naming('purposes');
    refusedFields({ ...tpo, segments }).naming('segments');
    for (const missing of tpo.statements) {
      refusedFields({ ...tpo, statements: tpo.statements.filter((one) => one !== missing) }).naming('statements');
    }
  });

  it('any other: with the right to revoke at least', () => {
    for (const one of [housing, counseling, legal, justice, family]) {
      refusedFields({ ...one, statements: ['redisclosure', 'refusalConsequences'] }).naming('statements');
    }
    refusedFields({ ...housing, statements: ['rightToRevoke', 'fineprint'] }).naming('statements');
  });

  it('counseling notes: alone', () => {
    refusedFields({ ...counseling, segments: ['counseling', 'health'] }).naming('segments');
    refusedFields({ ...counseling, segments: ['health'] }).naming('segments');
    for (const one of [housing, legal, justice, family]) {
      refusedFields({ ...one, segments: ['counseling'] }).naming('segments');
    }
  });

  it('criminalJustice, and no other: with the instant from which it can be revoked', () => {
    refusedFields({ ...justice, revocableFrom: undefined }).naming('revocableFrom');
    refusedFields({ ...housing, revocableFrom: day('2026-02-01') }).naming('revocableFrom');
    refusedFields({ ...justice, revocableFrom: '2026-03-01T00:00:00.001Z' }).naming('revocableFrom');
    expect(grant({ ...justice, revocableFrom: day('2026-03-01') }).events()).toHaveLength(1);
  });
});

describe('A draft', () => {
  const draft = (input: object, as: Caller = peer) => given(consentStream)
    .when(draftConsent, input, { as, now, commandId: 'c1', facts: as === person ? signing : unnamed });
  const drafted = given(consentStream,
    fact('ConsentDrafted', { consentId, ...housingTerms, signed: true, recordedBy: person.memberId } as never, person));
  const draftId = derivedId(peer.memberId, 'c1', 0);
  const { signature: _signature, ...unsigned } = housing;
  const signed = { as: person, now, facts: signing };

  it('may lack everything but the person', () => {
    draft({ participantId: p1 })
      .then({ type: 'ConsentDrafted', data: { consentId: draftId, signed: false, recordedBy: peer.memberId } });
    draft({}).thenRefused('VALIDATION', { fields: ['participantId'] });
  });

  it('keeps what it has, and says whether it is signed', () => {
    draft(unsigned).then({
      type: 'ConsentDrafted',
      data: { ...(housingTerms as object), consentId: draftId, signed: false, recordedBy: peer.memberId } as never,
    });
    expect(draft(housing, person).events()[0]!.data).toMatchObject({ signature, signed: true });
  });

  it('refuses what is malformed, and a signature of the future', () => {
    draft({ ...unsigned, expiry: {} }).thenRefused('VALIDATION', { fields: ['expiry'] });
    draft({ participantId: p1, signedAt: '2026-01-15T12:00:00.001Z' }).thenRefused('VALIDATION', { fields: ['signedAt'] });
  });

  it('is for the person and a peer to write', () => {
    expect(draft(housing, person).events()).toHaveLength(1);
    for (const role of ['clinician', 'supervisor', 'family', 'privacyOfficer'] as const) {
      draft(housing, { ...peer, role }).thenRefused('FORBIDDEN_ROLE');
    }
  });

  it('authorizes nothing: it can only be granted', () => {
    const as = person;
    drafted.when(narrowConsent, { consentId, segments: ['identity'] }, { as })
      .thenRefused('INVALID_TRANSITION', { state: 'draft' });
    drafted.when(suspendConsent, { consentId }, { as, facts: onTeam }).thenRefused('INVALID_TRANSITION', { state: 'draft' });
    drafted.when(liftSuspension, { consentId }, { as }).thenRefused('INVALID_TRANSITION', { state: 'draft' });
    drafted.when(revokeConsent, { consentId }, { as, facts: onTeam }).thenRefused('INVALID_TRANSITION', { state: 'draft' });
  });

  it('is granted as it stands: the grant holds all its terms, and leaves the sealed words with the draft', () => {
    drafted.when(grantConsent, { participantId: p1, consentId }, signed).then({
      type: 'ConsentGranted', data: { ...(housingTerms as object), consentId, recordedBy: person.memberId } as never,
    });
  });

  it('says whose consent it is: a grant of it need not', () => {
    expect(drafted.when(grantConsent, { consentId }, { ...signed, participantId: p1 }).events()).toHaveLength(1);
    given(consentStream).when(grantConsent, { kind: 'tpo' }, signed).thenRefused('VALIDATION');
  });

  it('is granted with other elements where the person gives them', () => {
    const changes = { participantId: p1, consentId, segments: ['housing'], expiry: { event: 'The lease is signed' }, signature };
    drafted.when(grantConsent, changes, signed).then({
      type: 'ConsentGranted',
      data: {
        ...(housingTerms as object), segments: ['housing'], expiry: {}, expiryEvent: 'The lease is signed', signature, consentId,
        recordedBy: person.memberId,
      } as never,
    });
  });

  it('is not granted while an element is missing or breaks a rule', () => {
    const { kind: _kind, formHash: _formHash, ...incomplete } = housing;
    given(consentStream, draftedWith({ ...housingTerms, formHash: 'sha256:5f70', formVersion: 'as told' }))
      .when(grantConsent, { consentId, signature }, { ...signed, participantId: p1 })
      .thenRefused('VALIDATION', { fields: ['formHash', 'formVersion'] });
    given(consentStream, draftedWith({ kind: 'named' })).when(grantConsent, { ...incomplete, consentId }, signed)
      .thenRefused('VALIDATION', { fields: ['formHash'] });
    given(consentStream, draftedWith(housingTerms)).when(grantConsent, { participantId: p1, consentId }, signed)
      .thenRefused('VALIDATION', { fields: ['signature'] });
    drafted.when(grantConsent, { participantId: p1, consentId, expiry: { none: true } }, signed)
      .thenRefused('VALIDATION', { fields: ['expiry'] });
  });

  it('is granted once, and only if it is one of this person', () => {
    given(consentStream, granted).when(grantConsent, { ...housing, consentId }, signed)
      .thenRefused('INVALID_TRANSITION', { state: 'active' });
    given(consentStream, granted, revoked).when(grantConsent, { ...housing, consentId }, signed)
      .thenRefused('INVALID_TRANSITION', { state: 'revoked' });
    given(consentStream).when(grantConsent, { ...housing, consentId }, signed).thenRefused('NOT_FOUND');
  });
});

describe('Narrowing', () => {
  const narrow = (to: readonly string[], ...facts: Parameters<typeof consentStream.evolve>[1][]) =>
    given(consentStream, ...facts).when(narrowConsent, { consentId, segments: to }, { as: person, now });

  it('leaves fewer segments, active or suspended', () => {
    narrow(['housing'], granted).then({ type: 'ConsentNarrowed', data: { consentId, segments: ['housing'] } });
    narrow(['housing'], granted, suspended).then({ type: 'ConsentNarrowed', data: { consentId, segments: ['housing'] } });
  });

  it('leaves something, and adds nothing', () => {
    for (const to of [[], ['identity', 'housing'], ['identity', 'sud'], ['sud'], ['identity', 'identity', 'housing']]) {
      narrow(to, granted).thenRefused('VALIDATION', { fields: ['segments'] });
    }
    const narrowed = fact('ConsentNarrowed', { consentId, segments: ['housing' as Segment] }, person);
    narrow(['identity'], granted, narrowed).thenRefused('VALIDATION', { fields: ['segments'] });
  });

  it('is over once revoked or expired, and the person’s alone', () => {
    narrow(['housing'], granted, revoked).thenRefused('INVALID_TRANSITION', { state: 'revoked' });
    narrow(['housing'], grantedAs({ expiry: { at: now } })).thenRefused('INVALID_TRANSITION', { state: 'expired' });
    given(consentStream, granted).when(narrowConsent, { consentId, segments: ['housing'] }, { as: peer })
      .thenRefused('FORBIDDEN_ROLE');
  });
});

describe('Suspending, orally', () => {
  it('is recorded by the person or any worker on the team', () => {
    for (const as of [person, ...workerRoles.map((role) => ({ ...peer, role }))]) {
      given(consentStream, granted).when(suspendConsent, { consentId }, { as, now, facts: onTeam })
        .then({ type: 'ConsentSuspended', data: { consentId } });
    }
  });

  it('is recorded by whom the person tells it on their team, also where the consent itself is closed to them', () => {
    const facts = { onTeam: true, visible: false };
    expect(given(consentStream, granted).when(suspendConsent, { consentId }, { as: peer, now, facts }).events()).toHaveLength(1);
    for (const as of [peer, person]) {
      given(consentStream, granted).when(suspendConsent, { consentId }, { as, now, facts: { onTeam: false, visible: false } })
        .thenRefused('NOT_FOUND');
    }
  });

  it('is not for a worker off the team, family or oversight', () => {
    given(consentStream, granted).when(suspendConsent, { consentId }, { as: peer, facts: offTeam })
      .thenRefused('FORBIDDEN_ROLE');
    for (const role of ['family', 'auditor', 'privacyOfficer', 'integrator'] as const) {
      given(consentStream, granted).when(suspendConsent, { consentId }, { as: { ...peer, role }, facts: onTeam })
        .thenRefused('FORBIDDEN_ROLE');
    }
  });

  it('is lifted by the person alone', () => {
    given(consentStream, granted, suspended).when(liftSuspension, { consentId }, { as: person, now })
      .then({ type: 'SuspensionLifted', data: { consentId } });
    given(consentStream, granted, suspended).when(liftSuspension, { consentId }, { as: peer }).thenRefused('FORBIDDEN_ROLE');
  });

  it('takes an active consent, and lifting a suspended one', () => {
    const facts = onTeam;
    given(consentStream, granted, suspended).when(suspendConsent, { consentId }, { as: peer, now, facts })
      .thenRefused('INVALID_TRANSITION', { state: 'suspended' });
    given(consentStream, granted, suspended, lifted).when(liftSuspension, { consentId }, { as: person, now })
      .thenRefused('INVALID_TRANSITION', { state: 'active' });
    given(consentStream, grantedAs({ expiry: { at: now } })).when(suspendConsent, { consentId }, { as: peer, now, facts })
      .thenRefused('INVALID_TRANSITION', { state: 'expired' });
    given(consentStream, grantedAs({ expiry: { at: now } }), suspended).when(liftSuspension, { consentId }, { as: person, now })
      .thenRefused('INVALID_TRANSITION', { state: 'expired' });
  });
});

describe('Whoever records a withdrawal', () => {
  it('is refused before the stream is loaded, where they are not on the team', () => {
    for (const { admit } of [suspendConsent, revokeConsent]) {
      const asked = (as: Caller, facts: object) => () => admit!({ input: { consentId }, caller: as, facts } as never);
      expect(asked(peer, { onTeam: false, visible: false })).toThrow('No such consent.');
      expect(asked(peer, offTeam)).toThrow('Not on this care team.');
      expect(asked(peer, { onTeam: true, visible: false })).not.toThrow();
      expect(asked(person, offTeam)).not.toThrow();
    }
  });
});

describe('Revoking, in writing', () => {
  const revoke = (input: object, as: Caller, ...facts: Parameters<typeof consentStream.evolve>[1][]) =>
    given(consentStream, ...facts).when(revokeConsent, input, { as, now, facts: onTeam, participantId: p1 });

  it('by a worker on the team takes the artifact', () => {
    revoke({ consentId, artifactHash }, peer, granted)
      .then({ type: 'ConsentRevoked', data: { consentId, artifactHash, madeBy: 'worker' } });
    revoke({ consentId }, peer, granted).thenRefused('VALIDATION', { fields: ['artifactHash'] });
    given(consentStream, granted).when(revokeConsent, { consentId, artifactHash }, { as: peer, facts: offTeam })
      .thenRefused('FORBIDDEN_ROLE');
  });

  it('by the person is an artifact of itself, always the same for the same act', () => {
    const hashes = [now, now, '2026-01-15T12:00:00.001Z'].map((at) => {
      const [event] = given(consentStream, granted)
        .when(revokeConsent, { consentId }, { as: person, now: at, facts: offTeam, participantId: p1 }).events();
      expect(event).toMatchObject({ type: 'ConsentRevoked', data: { consentId, madeBy: 'person' } });
      return (event as { data: { artifactHash: string } }).data.artifactHash;
    });
    expect(hashes[0]).toMatch(/^[0-9a-f]{64}$/);
    expect(hashes[1]).toBe(hashes[0]);
    expect(hashes[2]).not.toBe(hashes[0]);
  });

  it('ends an active, a suspended and an expired consent, once', () => {
    expect(revoke({ consentId }, person, granted, suspended).events()).toHaveLength(1);
    expect(revoke({ consentId }, person, grantedAs({ expiry: { at: now } })).events()).toHaveLength(1);
    revoke({ consentId }, person, granted, revoked).thenRefused('INVALID_TRANSITION', { state: 'revoked' });
    revoke({ consentId }, person).thenRefused('NOT_FOUND');
  });

});

describe('Withdrawing a criminal-justice consent before it may be', () => {
  const revokedFrom = '2026-01-15T12:00:00.001Z';
  const until = (revocableFrom: string) => grantedAs({
    kind: 'criminalJustice', segments: ['justice', 'identity'], revocableFrom, expiry: {},
  });
  const requested = (asked: 'revocation' | 'suspension' | 'narrowing') =>
    fact('RevocationRequested', { consentId, asked, madeBy: 'person' as const, revokedFrom }, person);
  const withdraw = (
    name: 'suspend' | 'narrow' | 'revoke', as: Caller, at: string, ...facts: Parameters<typeof consentStream.evolve>[1][]
  ) => {
    const before = given(consentStream, ...facts);
    if (name === 'narrow') return before.when(narrowConsent, { consentId, segments: ['justice'] }, { as, now: at });
    const circumstances = { as, now: at, facts: onTeam, participantId: p1 };
    return name === 'suspend' ? before.when(suspendConsent, { consentId }, circumstances)
      : before.when(revokeConsent, { consentId, artifactHash }, circumstances);
  };

  it('is recorded, however it is withdrawn, and answered that it is not yet time', () => {
    const written = { consentId, revokedFrom, madeBy: 'person' as const };
    withdraw('revoke', person, now, until(revokedFrom))
      .then({ type: 'RevocationRequested', data: { ...written, artifactHash, asked: 'revocation' } });
    withdraw('suspend', person, now, until(revokedFrom))
      .then({ type: 'RevocationRequested', data: { ...written, asked: 'suspension' } });
    withdraw('narrow', person, now, until(revokedFrom))
      .then({ type: 'RevocationRequested', data: { ...written, asked: 'narrowing' } });
    withdraw('suspend', peer, now, until(revokedFrom))
      .then({ type: 'RevocationRequested', data: { ...written, madeBy: 'worker', asked: 'suspension' } });
    for (const { refusal } of [narrowConsent, suspendConsent, revokeConsent]) {
      expect(refusal!('RevocationRequested')).toMatchObject({ code: 'REVOCATION_NOT_YET' });
      expect(refusal!('ConsentRevoked')).toBeUndefined();
    }
  });

  it('is recorded once', () => {
    for (const name of ['suspend', 'narrow', 'revoke'] as const) {
      withdraw(name, person, now, until(revokedFrom), requested('suspension')).thenRefused('REVOCATION_NOT_YET');
    }
  });

  it('ends it on that day, without anyone doing anything more', () => {
    for (const name of ['suspend', 'narrow', 'revoke'] as const) {
      withdraw(name, person, revokedFrom, until(revokedFrom), requested('narrowing'))
        .thenRefused('INVALID_TRANSITION', { state: 'revoked' });
      expect(withdraw(name, person, revokedFrom, until(revokedFrom)).events()[0]!.type).not.toBe('RevocationRequested');
    }
  });
});

describe('A consent, whatever is asked in whatever order', () => {
  type Fact = Parameters<typeof consentStream.evolve>[1];
  const steps = fc.array(fc.oneof(
    fc.constantFrom('suspend', 'lift', 'revoke'),
    fc.subarray(['identity', 'housing', 'sud', 'goals'] as Segment[], { minLength: 1 }),
  ), { maxLength: 20 });

  it('only ever loses segments, and never comes back from revocation', () => {
    fc.assert(fc.property(steps, (asked) => {
      const facts: Fact[] = [grantedAs({ segments: ['identity', 'housing', 'sud', 'goals'] })];
      for (const step of asked) {
        const before = given(consentStream, ...facts);
        const circumstances = { as: person, now, facts: onTeam, participantId: p1 };
        try {
          const events = step === 'suspend' ? before.when(suspendConsent, { consentId }, circumstances).events()
            : step === 'lift' ? before.when(liftSuspension, { consentId }, { as: person, now }).events()
              : step === 'revoke' ? before.when(revokeConsent, { consentId }, circumstances).events()
                : before.when(narrowConsent, { consentId, segments: step }, { as: person, now }).events();
          for (const event of events) facts.push(fact(event.type, event.data, person) as Fact);
        } catch {
          expect(given(consentStream, ...facts).state).toEqual(before.state);
          continue;
        }
        const [was, is] = [before.state, given(consentStream, ...facts).state].map(({ consents }) => consents[consentId]!);
        expect(was!.state).not.toBe('revoked');
        expect(was!.terms.segments).toEqual(expect.arrayContaining(is!.terms.segments!));
      }
    }), { numRuns: 200 });
  });

  it('expires at its instant and not a millisecond before, unless it was revoked', () => {
    const instants = fc.date({ min: new Date(day('2026-01-01')), max: new Date(day('2026-12-31')), noInvalidDate: true });
    fc.assert(fc.property(instants, (at) => {
      const [before, then] = [new Date(at.getTime() - 1).toISOString(), at.toISOString()];
      for (const state of ['active', 'suspended'] as const) {
        const one = { state, expiresAt: then };
        expect([consentStateAt(one, before), consentStateAt(one, then)]).toEqual([state, 'expired']);
        expect(consentStateAt({ state }, then)).toBe(state);
        const asked = { state, revokedFrom: then, expiresAt: then };
        expect([consentStateAt(asked, before), consentStateAt(asked, then)]).toEqual([state, 'revoked']);
      }
      for (const state of ['draft', 'revoked'] as const) expect(consentStateAt({ state, expiresAt: then }, then)).toBe(state);
    }));
  });
});

describe('The node that a consent’s event touches', () => {
  it('is the consent, which is also what the commands are about', () => {
    for (const one of [draftedWith({}), granted, suspended, lifted, revoked]) expect(consentStream.entityOf(one)).toBe(consentId);
    expect(revokeConsent.subject({ consentId }, person, () => ''))
      .toEqual({ kind: 'item', type: 'consent', id: consentId, unseen: true });
    const { state } = given(consentStream, granted);
    expect(revokeConsent.entity!({ consentId }, state, person)).toBe(consentId);
    expect(grantConsent.subject({ participantId: p1 }, person, () => '')).toEqual({ kind: 'participant', id: p1 });
  });

  it('is its own: another consent of the same person stands', () => {
    const other = '00000041-0000-4000-8000-000000000000';
    const { consents } = given(consentStream, granted, grantedAs({ consentId: other }), revoked).state;
    expect([consents[consentId]!.state, consents[other]!.state]).toEqual(['revoked', 'active']);
  });
});
