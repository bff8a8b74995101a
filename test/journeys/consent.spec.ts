import { afterAll, beforeAll, beforeEach, afterEach, describe, expect, it } from '@jest/globals';
import {
  accessOf, aHash, allStatements, enrollP1, everySegmentButCounseling, later, nodeOf, see, type Story,
} from '../support/story.js';
import { startSystem, type Client, type TestSystem } from '../support/system.js';

let system: TestSystem;
beforeAll(async () => { system = await startSystem(); });
afterAll(async () => { expect(await system.stop()).toBe(0); });

const as = (role: string): Client => system.as(role);
const stateOf = async (viewer: Client, consentId: string) => (await viewer.query<{ node: { state: string } | null }>(
  'query($id: ID!, $atLeast: String) { node(id: $id, atLeast: $atLeast) { ... on Consent { state } } }', { id: consentId },
)).node?.state;

describe('A consent with an end', () => {
  afterEach(() => system.thaw());

  it('permits a millisecond before and refuses at the instant, with nothing scheduled (6)', async () => {
    const until = '2026-03-01T00:00:00.000Z';
    await system.freeze('2026-02-01T12:00:00.000Z');
    const story = await enrollP1(system);
    const consent = await story.grantHousing(until);
    const referral = await story.refer('housing', 'OrgH');
    const entries = await as('housing').subscribe('subscription($id: ID!) { timelineEntryAdded(participantId: $id) { type } }',
      { id: story.id });

    await system.freeze('2026-02-28T23:59:59.999Z');
    expect(await see(as('housing'), story.id)).toMatchObject({ preferredName: 'Jordan', referrals: [{ id: referral.id }] });
    expect(await accessOf(as('housing'), story.id)).toMatchObject({ housing: 'named' });
    const { access } = await as('housing').query<{ access: { at: string; segments: { until: string | null }[] } }>(
      'query($id: ID!) { access(participantId: $id) { at segments { until } } }', { id: story.id });
    expect(access.at).toBe('2026-02-28T23:59:59.999Z');
    expect(access.segments.map((segment) => segment.until).filter(Boolean)).toEqual([until, until]);
    await as('housing').mutate('acceptReferral', { referralId: referral.id });
    await entries.arrived(1);

    await system.freeze(until);
    const before = await entries.soFar();
    expect(await see(as('housing'), story.id)).toBeNull();
    expect(await nodeOf(as('housing'), referral.id)).toBeNull();
    expect(await as('housing').refused('startReferral', { referralId: referral.id })).toEqual({ code: 'NOT_FOUND' });
    expect(await stateOf(story.person, consent.id)).toBe('expired');
    await story.person.mutate('draftReferral', {
      participantId: story.id, needCategory: 'housing', targetOrganizationId: system.dev.organizations.OrgH,
    });
    await as('peer').mutate('withdrawReferral', { referralId: referral.id, reason: 'Time is up' });
    expect(await entries.soFar()).toBe(before);
    await entries.close();
  });

  it('opens nothing before it takes effect', async () => {
    await system.freeze('2026-02-01T12:00:00.000Z');
    const story = await enrollP1(system);
    await story.grant({
      kind: 'named', recipients: [{ orgId: system.dev.organizations.OrgH }], segments: ['identity'], purposes: ['COC'],
      effectiveFrom: '2026-02-02T00:00:00+02:00', expiry: { at: '2026-02-03T00:00:00Z' },
    });
    await system.freeze('2026-02-01T21:59:59.999Z');
    expect(await see(as('housing'), story.id)).toBeNull();
    await system.freeze('2026-02-01T22:00:00.000Z');
    expect(await see(as('housing'), story.id)).not.toBeNull();
  });
});

describe('Withdrawing', () => {
  let story: Story;
  let consentId: string;
  beforeEach(async () => {
    story = await enrollP1(system);
    consentId = (await story.grantHousing()).id;
    expect(await see(as('housing'), story.id)).not.toBeNull();
  });

  it('orally is recorded by a worker at once, and lifted by the person alone (7)', async () => {
    await as('peer').mutate('suspendConsent', { consentId });
    expect(await see(as('housing'), story.id)).toBeNull();
    expect(await stateOf(story.person, consentId)).toBe('suspended');
    expect(await as('peer').refused('liftSuspension', { consentId })).toEqual({ code: 'FORBIDDEN_ROLE' });
    expect(await as('peer').refused('suspendConsent', { consentId })).toEqual({ code: 'INVALID_TRANSITION', state: 'suspended' });
    await story.person.mutate('liftSuspension', { consentId });
    expect(await see(as('housing'), story.id)).not.toBeNull();
    expect(await story.person.refused('liftSuspension', { consentId })).toEqual({ code: 'INVALID_TRANSITION', state: 'active' });
  });

  it('in writing is recorded with the written artifact, and no other way (7)', async () => {
    expect(await as('peer').refused('revokeConsent', { consentId })).toEqual({ code: 'VALIDATION', fields: ['artifactHash'] });
    expect(await see(as('housing'), story.id)).not.toBeNull();
    await as('peer').mutate('revokeConsent', { consentId, artifactHash: aHash });
    expect(await see(as('housing'), story.id)).toBeNull();
    expect(await as('peer').refused('revokeConsent', { consentId, artifactHash: aHash }))
      .toEqual({ code: 'INVALID_TRANSITION', state: 'revoked' });
  });

  it('in the application is the person\'s own writing; a fresh grant reopens (7)', async () => {
    const revoked = await story.person.mutate('revokeConsent', { consentId }, 'consent { id state }');
    expect(revoked).toMatchObject({ id: consentId, consent: { id: consentId, state: 'revoked' } });
    expect(await see(as('housing'), story.id)).toBeNull();
    expect(await story.person.refused('grantConsent', { ...story.form, consentId }))
      .toMatchObject({ code: 'INVALID_TRANSITION', state: 'revoked' });
    await story.grantHousing();
    expect(await see(as('housing'), story.id)).not.toBeNull();
  });

  it('in part leaves what stays', async () => {
    for (const segments of [['identity', 'housing'], ['identity', 'health'], []]) {
      expect(await story.person.refused('narrowConsent', { consentId, segments }))
        .toEqual({ code: 'VALIDATION', fields: ['segments'] });
    }
    await story.person.mutate('narrowConsent', { consentId, segments: ['housing'] });
    expect(await accessOf(as('housing'), story.id)).toMatchObject({ housing: 'named', identity: 'noBasis' });
    expect(await see(as('housing'), story.id)).toMatchObject({ preferredName: null });
  });

  it('is not for who is not on the team, and unknown to who cannot see the consent', async () => {
    expect(await as('housing').refused('suspendConsent', { consentId })).toEqual({ code: 'NOT_FOUND' });
    expect(await as('supervisor').refused('suspendConsent', { consentId })).toEqual({ code: 'FORBIDDEN_ROLE' });
    const stranger = await system.newWorker('peer', 'OrgR');
    expect(await stranger.client.refused('revokeConsent', { consentId, artifactHash: aHash })).toEqual({ code: 'NOT_FOUND' });
  });

  it('told to a worker of the team is recorded, though they see nothing of consents', async () => {
    const consent = await story.grantEmployment();
    await story.join('housing');
    expect(await nodeOf(as('housing'), consent.id)).toBeNull();
    const suspended = await as('housing').mutate('suspendConsent', { consentId: consent.id }, 'consent { id }');
    expect(suspended).toMatchObject({ id: consent.id, consent: null });
    expect(await see(as('employer'), story.id)).toBeNull();
    await as('housing').mutate('revokeConsent', { consentId: consent.id, artifactHash: aHash });
    expect(await stateOf(story.person, consent.id)).toBe('revoked');
  });

  it('is prospective: what was written before is refused too', async () => {
    const referral = await story.refer('housing', 'OrgH');
    await as('housing').mutate('acceptReferral', { referralId: referral.id });
    await as('peer').mutate('suspendConsent', { consentId });
    expect(await nodeOf(as('housing'), referral.id)).toBeNull();
    expect(await as('housing').refused('startReferral', { referralId: referral.id })).toEqual({ code: 'NOT_FOUND' });
  });
});

describe('A criminal-justice consent', () => {
  afterEach(() => system.thaw());

  it('is revocable from its date on, which it must have', async () => {
    const story = await enrollP1(system);
    const terms = {
      kind: 'criminalJustice', recipients: [{ orgId: system.dev.organizations.OrgJ }], segments: ['justice'], purposes: ['COC'],
      expiry: { event: 'Final disposition' },
    };
    expect(await story.person.refused('grantConsent', { ...story.form, ...terms }))
      .toEqual({ code: 'VALIDATION', fields: ['revocableFrom'] });
    const consent = await story.grant({ ...terms, revocableFrom: later(story.enrolledAt, 86_400_000) });
    expect(await accessOf(as('justice'), story.id)).toMatchObject({ justice: 'criminalJustice', identity: 'roleCeiling' });
    expect(await story.person.refused('revokeConsent', { consentId: consent.id })).toEqual({ code: 'REVOCATION_NOT_YET' });
  });

  it('withdrawn before that date ends on it: the wish is recorded, and answered that it is not yet time', async () => {
    const [date, before] = ['2026-03-01T00:00:00.000Z', '2026-02-28T23:59:59.999Z'];
    await system.freeze('2026-02-01T12:00:00.000Z');
    const story = await enrollP1(system);
    const terms = {
      kind: 'criminalJustice', recipients: [{ orgId: system.dev.organizations.OrgJ }], segments: ['justice', 'identity'],
      purposes: ['COC'], expiry: { at: date },
    };
    expect(await story.person.refused('grantConsent', { ...story.form, ...terms, revocableFrom: later(date, 1) }))
      .toEqual({ code: 'VALIDATION', fields: ['revocableFrom'] });
    const consentId = (await story.grant({ ...terms, expiry: { event: 'Final disposition' }, revocableFrom: date })).id;
    const wish = { consentId, commandId: 'wish' };
    expect(await as('peer').refused('suspendConsent', wish)).toEqual({ code: 'REVOCATION_NOT_YET' });
    expect(await as('peer').refused('suspendConsent', wish)).toEqual({ code: 'REVOCATION_NOT_YET' });
    expect(await story.person.refused('narrowConsent', { consentId, segments: ['justice'] }))
      .toEqual({ code: 'REVOCATION_NOT_YET' });
    await story.person.mutate('restrictWorker', { participantId: story.id, memberId: system.dev.members.justice!.memberId });
    const types = (await see(story.person, story.id))!.timeline.map(({ type }) => type);
    expect(types.filter((type) => type === 'RevocationRequested')).toHaveLength(1);

    await system.freeze(before);
    expect(await accessOf(as('justice'), story.id)).toMatchObject({ justice: 'criminalJustice' });
    expect(await stateOf(story.person, consentId)).toBe('active');
    await system.freeze(date);
    expect(await see(as('justice'), story.id)).toBeNull();
    expect(await stateOf(story.person, consentId)).toBe('revoked');
  });
});

describe('A valid consent', () => {
  let story: Story;
  let named: Record<string, unknown>;
  let tpo: Record<string, unknown>;
  beforeAll(async () => {
    story = await enrollP1(system);
    named = {
      ...story.form, kind: 'named', recipients: [{ orgId: system.dev.organizations.OrgH }], segments: ['housing'],
      purposes: ['COC'],
      expiry: { at: later(story.enrolledAt, 86_400_000) },
    };
    tpo = {
      ...story.form, kind: 'tpo', recipients: [{ class: 'treatingProviders' }], segments: everySegmentButCounseling,
      purposes: ['TREAT', 'HPAYMT', 'HOPERAT'], expiry: { none: true },
    };
  });
  const refused = (form: object) => story.person.refused('grantConsent', { ...form });

  it('has each of its elements (9)', async () => {
    for (const form of [named, tpo]) {
      for (const field of Object.keys(form).filter((name) => name !== 'participantId')) {
        expect({ field, refusal: await refused({ ...form, [field]: undefined }) })
          .toEqual({ field, refusal: { code: 'VALIDATION', fields: [field] } });
      }
      await story.person.mutate('grantConsent', form);
    }
  });

  it('ends, unless all its purposes are treatment, payment or operations (9)', async () => {
    expect(await refused({ ...named, expiry: { none: true } })).toEqual({ code: 'VALIDATION', fields: ['expiry'] });
    expect(await refused({ ...named, purposes: ['TREAT', 'COC'], expiry: { none: true } }))
      .toEqual({ code: 'VALIDATION', fields: ['expiry'] });
    const wrong = [
      {}, { at: later(story.enrolledAt, -1) }, { at: later(story.enrolledAt, 1000), none: true }, { none: false }, { at: 'soon' },
    ];
    for (const expiry of wrong) {
      const { code, fields } = await refused({ ...named, expiry });
      expect({ expiry, code, fields: fields?.map((path) => path.split('.')[0]) })
        .toEqual({ expiry, code: 'VALIDATION', fields: ['expiry'] });
    }
    await story.person.mutate('grantConsent', { ...named, purposes: ['TREAT'], expiry: { none: true } });
  });

  it('is of a kind that allows what it says', async () => {
    const wrong: [object, string[]][] = [
      [{ ...tpo, purposes: ['TREAT', 'COC'], expiry: { event: 'x' } }, ['purposes']],
      [{ ...tpo, segments: [...everySegmentButCounseling, 'counseling'] }, ['segments']],
      [{ ...tpo, statements: ['rightToRevoke'] }, ['statements']],
      [{ ...named, statements: ['redisclosure'] }, ['statements']],
      [{ ...named, recipients: [{ class: 'treatingProviders' }] }, ['recipients']],
      [{ ...named, recipients: [] }, ['recipients']],
      [{ ...named, recipients: [{ orgId: system.dev.organizations.OrgH, memberId: story.id }] }, ['recipients']],
      [{ ...named, recipients: [{}] }, ['recipients']],
      [{ ...named, segments: ['housing', 'counseling'] }, ['segments']],
      [{ ...named, kind: 'counselingNotes', segments: ['counseling', 'health'] }, ['segments']],
      [{ ...named, kind: 'legalProceeding', segments: ['counseling'] }, ['segments']],
      [{ ...named, kind: 'verbal' }, ['kind']],
      [{ ...named, purposes: ['MARKETING'] }, ['purposes']],
      [{ ...named, signedAt: '2999-01-01T00:00:00Z' }, ['signedAt']],
    ];
    for (const [form, fields] of wrong) {
      expect({ form, refusal: await refused(form) }).toEqual({ form, refusal: { code: 'VALIDATION', fields } });
    }
  });

  it('is signed by the person, and by nobody for them (9)', async () => {
    expect(await as('peer').refused('grantConsent', named)).toEqual({ code: 'FORBIDDEN_ROLE' });
    const { peer } = system.dev.members;
    for (const signer of [peer!.memberId, system.dev.organizations.OrgR, 'peer', 'supervisor']) {
      expect(await refused({ ...named, signature: { method: 'electronic', signer, capacity: 'self' } }))
        .toEqual({ code: 'VALIDATION', fields: ['signature.signer'] });
    }
    expect(await refused({ ...named, signature: { method: 'electronic', capacity: 'self' } }))
      .toEqual({ code: 'VALIDATION', fields: ['signature.signer'] });
    for (const capacity of ['guardian', 'minor', 'executor', 'courtAppointedRepresentative', ' ']) {
      expect(await refused({ ...named, signature: { method: 'electronic', signer: story.id, capacity } }))
        .toEqual({ code: 'VALIDATION', fields: ['signature.capacity'] });
    }
    await story.person.mutate('grantConsent',
      { ...named, signature: { method: 'typed', signer: ' jordan  RIVERA', capacity: 'self' } });
    for (const signer of ['PE1 for Jordan', 'Sam Okafor', 'person']) {
      expect(await refused({ ...named, signature: { method: 'typed', signer, capacity: 'self' } }))
        .toEqual({ code: 'VALIDATION', fields: ['signature.signer'] });
    }
  });

  it('is on no draft of a peer\'s', async () => {
    expect(await as('peer').refused('draftConsent', { ...named, ...story.form, participantId: story.id }))
      .toEqual({ code: 'VALIDATION', fields: ['signature'] });
  });

  it('is for the person to give, about themself', async () => {
    const other = await enrollP1(system);
    expect(await other.person.refused('grantConsent', named)).toEqual({ code: 'NOT_FOUND' });
  });
});

describe('A consent among those who see the team', () => {
  const kindsSeen = async (viewer: Client, { id }: Story) => (await see(viewer, id))!.consents.map(({ kind }) => kind).sort();
  const typesSeen = async (viewer: Client, { id }: Story) =>
    (await see(viewer, id))!.timeline.map(({ type }) => type).filter((type) => type.startsWith('Consent'));
  /** Whom the person lets see these segments, and be in the circle of clinicians. */
  const clinicianWith = async (story: Story, ...segments: string[]) => {
    const clinician = await system.newWorker('clinician', 'OrgC');
    await story.grant({
      kind: 'named', recipients: [{ memberId: clinician.memberId }], segments, purposes: ['TREAT'],
      expiry: { at: later(story.enrolledAt, 86_400_000) },
    });
    return clinician.client;
  };
  const oneDay = (story: Story) => ({ expiry: { at: later(story.enrolledAt, 86_400_000) }, purposes: ['TREAT'] });
  const toOrgH = () => [{ orgId: system.dev.organizations.OrgH }];

  it('shows to nobody what its kind gives away, but with the segment of that', async () => {
    const story = await enrollP1(system);
    const kinds = { counselingNotes: ['counseling'], legalProceeding: ['identity'], family: ['goals'] };
    for (const [kind, segments] of Object.entries(kinds)) {
      await story.grant({ kind, segments, recipients: toOrgH(), ...oneDay(story) });
    }
    await story.grant({
      kind: 'criminalJustice', segments: ['identity'], recipients: toOrgH(), ...oneDay(story),
      revocableFrom: story.enrolledAt,
    });
    expect(await kindsSeen(await clinicianWith(story, 'team', 'identity', 'goals'), story)).toEqual(['named']);
    expect(await kindsSeen(await clinicianWith(story, 'team', 'identity', 'goals', 'justice'), story))
      .toEqual(['criminalJustice', 'legalProceeding', 'named', 'named']);
    expect(await kindsSeen(await clinicianWith(story, 'team', 'identity', 'goals', 'social'), story))
      .toEqual(['family', 'named', 'named']);
  });

  it('shows to nobody what it opens, but with those segments: nor in the story, nor once it is narrowed', async () => {
    const story = await enrollP1(system);
    const { id } = await story.grant({
      kind: 'named', segments: ['identity', 'mh'], recipients: toOrgH(), ...oneDay(story),
    });
    await story.person.mutate('narrowConsent', { consentId: id, segments: ['identity'] });
    expect(await nodeOf(as('peer'), id)).toBeNull();
    expect(await typesSeen(as('peer'), story)).toEqual([]);
    expect(await nodeOf(await clinicianWith(story, 'team', 'identity'), id)).toBeNull();
    expect(await nodeOf(await clinicianWith(story, 'team', 'identity', 'mh'), id)).toMatchObject({ id });
    // What the person says to anyone of their team is recorded all the same.
    expect(await as('peer').mutate('suspendConsent', { consentId: id }, 'consent { id }')).toMatchObject({ id, consent: null });
    expect(await stateOf(story.person, id)).toBe('suspended');
  });

  it('is seen by the peer who drafted it until the person grants it, and no longer than they are on the team', async () => {
    const story = await enrollP1(system);
    const peer = await system.newWorker('peer', 'OrgR');
    await story.join(peer);
    const terms = { kind: 'named', segments: ['mh'], recipients: toOrgH() };
    const drafts = await Promise.all([1, 2].map(() => peer.client.mutate('draftConsent', { participantId: story.id, ...terms })));
    for (const { id } of drafts) {
      expect(await nodeOf(peer.client, id)).toMatchObject({ id });
      expect(await nodeOf(as('peer'), id)).toBeNull();
    }
    const { kind: _kind, ...rest } = { ...story.form, ...terms, ...oneDay(story) };
    await story.person.mutate('grantConsent', { ...rest, consentId: drafts[0]!.id });
    expect(await nodeOf(peer.client, drafts[0]!.id)).toBeNull();
    expect(await typesSeen(peer.client, story)).toEqual(['ConsentDrafted']);
    await story.person.mutate('removeTeamMember', { participantId: story.id, memberId: peer.memberId });
    for (const { id } of drafts) expect(await nodeOf(peer.client, id)).toBeNull();
  });
});

describe('A draft', () => {
  it('opens nothing until the person grants it, with what it lacked (9)', async () => {
    const story = await enrollP1(system);
    const draft = await as('peer').mutate<{ consent: object }>('draftConsent', {
      participantId: story.id, kind: 'named', discloser: system.dev.organizations.OrgR,
      recipients: [{ orgId: system.dev.organizations.OrgH }], segments: ['identity', 'housing'], purposes: ['COC'],
      formHash: aHash, formVersion: '1',
    }, `consent { state kind segments purposes recipients { orgId memberId class } signedAt effectiveFrom expiry { at }
      copyHash }`);
    expect(draft.consent).toEqual({
      state: 'draft', kind: 'named', segments: ['identity', 'housing'], purposes: ['COC'], signedAt: null, effectiveFrom: null,
      expiry: null,
      recipients: [{ orgId: system.dev.organizations.OrgH, memberId: null, class: null }], copyHash: null,
    });
    expect(await see(as('housing'), story.id)).toBeNull();
    expect(await story.person.refused('revokeConsent', { consentId: draft.id }))
      .toEqual({ code: 'INVALID_TRANSITION', state: 'draft' });
    expect(await as('peer').refused('suspendConsent', { consentId: draft.id }))
      .toEqual({ code: 'INVALID_TRANSITION', state: 'draft' });

    const rest = {
      participantId: story.id, consentId: draft.id, signedAt: story.enrolledAt, effectiveFrom: story.enrolledAt,
      statements: allStatements,
      signature: { method: 'electronic', signer: story.id, capacity: 'self' },
      expiry: { at: later(story.enrolledAt, 86_400_000) },
    };
    expect(await story.person.refused('grantConsent', { ...rest, statements: undefined, expiry: undefined }))
      .toEqual({ code: 'VALIDATION', fields: ['expiry', 'statements'] });
    const granted = await story.person.mutate('grantConsent', rest,
      'consent { state copyHash signedAt expiry { at event none } }');
    expect(granted).toMatchObject({
      id: draft.id, version: 1,
      consent: {
        state: 'active', copyHash: expect.any(String), signedAt: story.enrolledAt,
        expiry: { at: rest.expiry.at, event: null, none: null },
      },
    });
    expect(await see(as('housing'), story.id)).toMatchObject({ preferredName: 'Jordan' });
    expect(await story.person.refused('grantConsent', rest)).toEqual({ code: 'INVALID_TRANSITION', state: 'active' });
  });

  it('may lack everything', async () => {
    const story = await enrollP1(system);
    const draft = await story.person.mutate('draftConsent', { participantId: story.id });
    expect(await stateOf(story.person, draft.id)).toBe('draft');
  });
});
