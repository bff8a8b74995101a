import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { accessOf, aHash, enrollP1, fieldsOf, later, nodeOf, see, type Story } from '../support/story.js';
import { startSystem, type Client, type Payload, type TestSystem } from '../support/system.js';

let system: TestSystem;
beforeAll(async () => { system = await startSystem(); });
afterAll(async () => { expect(await system.stop()).toBe(0); });

const as = (role: string): Client => system.as(role);

const workers = ['peer', 'supervisor', 'clinician', 'physician', 'housing', 'employer', 'educator', 'justice', 'other'];
const everyRole = ['person', 'family', ...workers, 'auditor', 'privacyOfficer', 'integrator'];
const requesters = ['person', 'peer', 'clinician', 'physician'];
const form = [
  'kind', 'discloser', 'recipients', 'segments', 'purposes', 'formHash', 'formVersion', 'signature', 'signedAt', 'effectiveFrom',
  'expiry', 'statements',
];

/** Every mutation: whose it is, and what it cannot do without. */
type Subject = 'participantId' | 'consentId' | 'contactId' | 'noteId' | 'referralId';

const mutations: Record<string, { roles: string[]; required: string[]; about?: Subject }> = {
  registerOrganization: { roles: ['privacyOfficer'], required: ['name'] },
  enrollParticipant: { roles: ['peer', 'supervisor', 'person'], required: ['preferredName', 'language'] },
  changePreferences: { roles: ['person', 'peer'], required: ['participantId'], about: 'participantId' },
  correctParticipant: { roles: ['person', 'peer', 'supervisor'], required: ['participantId'], about: 'participantId' },
  recordEmploymentStatus: { roles: ['person', 'peer'], required: ['participantId', 'status'], about: 'participantId' },
  inviteTeamMember: {
    roles: ['person', 'peer', 'supervisor'], required: ['participantId', 'memberId', 'role', 'organizationId'],
    about: 'participantId',
  },
  removeTeamMember: { roles: ['person', 'peer', 'supervisor'], required: ['participantId', 'memberId'], about: 'participantId' },
  joinCareTeam: { roles: ['family', ...workers], required: ['participantId'], about: 'participantId' },
  restrictWorker: { roles: ['person'], required: ['participantId', 'memberId'], about: 'participantId' },
  liftRestriction: { roles: ['person'], required: ['participantId', 'memberId'], about: 'participantId' },
  draftConsent: { roles: ['person', 'peer'], required: ['participantId'], about: 'participantId' },
  grantConsent: { roles: ['person'], required: form, about: 'participantId' },
  narrowConsent: { roles: ['person'], required: ['consentId', 'segments'], about: 'consentId' },
  suspendConsent: { roles: ['person', ...workers], required: ['consentId'], about: 'consentId' },
  liftSuspension: { roles: ['person'], required: ['consentId'], about: 'consentId' },
  revokeConsent: { roles: ['person', ...workers], required: ['consentId'], about: 'consentId' },
  logPeerContact: {
    roles: ['peer'], required: ['participantId', 'startedAt', 'endedAt', 'modality', 'supportTypes', 'summary'],
    about: 'participantId',
  },
  amendPeerContact: { roles: ['peer'], required: ['contactId'], about: 'contactId' },
  markContactEnteredInError: { roles: ['peer'], required: ['contactId', 'reason'], about: 'contactId' },
  setContactVisibility: { roles: ['person'], required: ['contactId', 'visibility'], about: 'contactId' },
  recordClinicianNote: {
    roles: ['clinician', 'physician'], required: ['participantId', 'noteType', 'body', 'segments', 'authorCredential'],
    about: 'participantId',
  },
  amendClinicianNote: { roles: ['clinician', 'physician'], required: ['noteId', 'body', 'reason'], about: 'noteId' },
  draftReferral: {
    roles: requesters, required: ['participantId', 'needCategory', 'targetOrganizationId'], about: 'participantId',
  },
  sendReferral: { roles: requesters, required: ['referralId'], about: 'referralId' },
  acceptReferral: { roles: workers, required: ['referralId'], about: 'referralId' },
  startReferral: { roles: workers, required: ['referralId'], about: 'referralId' },
  deliverReferral: { roles: workers, required: ['referralId'], about: 'referralId' },
  reopenReferral: { roles: workers, required: ['referralId'], about: 'referralId' },
  declineReferral: { roles: workers, required: ['referralId', 'reason'], about: 'referralId' },
  holdReferral: { roles: workers, required: ['referralId', 'reason', 'reviewOn'], about: 'referralId' },
  failReferral: { roles: workers, required: ['referralId', 'text'], about: 'referralId' },
  confirmReferral: { roles: ['person'], required: ['referralId', 'gotHelp'], about: 'referralId' },
  closeUnconfirmedReferral: { roles: [...workers, 'person'], required: ['referralId'], about: 'referralId' },
  disputeReferral: { roles: ['person'], required: ['referralId'], about: 'referralId' },
  withdrawReferral: { roles: requesters, required: ['referralId', 'reason'], about: 'referralId' },
  markReferralEnteredInError: { roles: requesters, required: ['referralId', 'reason'], about: 'referralId' },
};

/** An input with everything required, in the right form, about something that does not exist or cannot be seen. */
const soundInput = (name: string, about: Record<string, string>): Record<string, unknown> => {
  const time = '2026-01-05T10:00:00.000Z';
  const values: Record<string, unknown> = {
    memberId: randomUUID(), role: 'clinician', organizationId: system.dev.organizations.OrgC, status: 'fullTime',
    householdSize: 1,
    name: 'An organization', preferredName: 'Jo', language: 'en',
    kind: 'named', discloser: system.dev.organizations.OrgR, recipients: [{ orgId: system.dev.organizations.OrgH }],
    segments: ['housing'], purposes: ['COC'], formHash: aHash, formVersion: '1', signedAt: time, effectiveFrom: time,
    signature: { method: 'electronic', signer: 'Jo Rivera', capacity: 'self' }, expiry: { event: 'A home' },
    statements: ['rightToRevoke'],
    startedAt: time, endedAt: '2026-01-05T11:00:00.000Z', modality: 'phone', supportTypes: ['emotional'], summary: 'A talk.',
    visibility: 'team', noteType: 'consultation', body: 'Seen.', authorCredential: 'MD', reason: 'A mistake', text: 'As said.',
    needCategory: 'housing', targetOrganizationId: system.dev.organizations.OrgH, reviewOn: '2027-01-05', gotHelp: 'yes',
    artifactHash: aHash, ...about,
  };
  const wanted = [...mutations[name]!.required, ...Object.keys(about), ...name === 'changePreferences' ? ['householdSize'] : [],
    ...name === 'correctParticipant' ? ['language'] : [],
    ...name === 'revokeConsent' ? ['artifactHash'] : []];
  const input = Object.fromEntries(wanted.map((field) => [field, values[field]]));
  const reason = { declineReferral: 'capacity', holdReferral: 'waitlist' }[name];
  return reason ? { ...input, reason } : input;
};

describe('Each mutation', () => {
  it('is for some roles, before anything else is looked at (FORBIDDEN_ROLE)', async () => {
    for (const [name, { roles }] of Object.entries(mutations)) {
      const others = everyRole.filter((role) => !roles.includes(role));
      const codes = await Promise.all(others.map(async (role) => (await as(role).refused(name, {})).code));
      expect({ name, codes: [...new Set(codes)] }).toEqual({ name, codes: others.length > 0 ? ['FORBIDDEN_ROLE'] : [] });
    }
  });

  it('names what is missing (VALIDATION)', async () => {
    for (const [name, { roles, required }] of Object.entries(mutations)) {
      for (const role of roles) {
        // What a consent cannot do without depends on whether there is a draft of it: looked at in a form for somebody.
        const { code, fields } = await as(role).refused(name, name === 'grantConsent' ? { participantId: randomUUID() } : {});
        expect({ name, role, code, fields })
          .toEqual({ name, role, code: 'VALIDATION', fields: expect.arrayContaining(required) });
      }
    }
  });

  it('cannot tell the unknown from the invisible (NOT_FOUND)', async () => {
    const story = await enrollP1(system);
    const consent = await story.grantHousing();
    const contact = await story.logContact();
    const referral = await story.refer('housing', 'OrgH');
    await story.person.mutate('revokeConsent', { consentId: consent.id });
    await story.person.mutate('restrictWorker', { participantId: story.id, memberId: system.dev.members.peer!.memberId });
    const real: Record<string, string> = {
      participantId: story.id, consentId: consent.id, contactId: contact.id, referralId: referral.id, noteId: contact.id,
    };
    const strangers = { person: (await enrollP1(system)).person };
    for (const [name, { roles, about }] of Object.entries(mutations)) {
      if (!about) continue;
      for (const role of roles) {
        // The author of the contact and of the referral keeps what they wrote; a supervisor sees the program's people.
        if (role === 'supervisor' || (role === 'peer' && ['referralId', 'contactId'].includes(about))) continue;
        const caller = role === 'person' ? strangers.person : as(role);
        const refusal = (id: string) => caller.refusal(name, soundInput(name, { [about]: id }));
        const unknown = await refusal(randomUUID());
        expect({ name, role, code: unknown.extensions.code }).toEqual({ name, role, code: 'NOT_FOUND' });
        expect({ name, role, refusal: await refusal(real[about]!) }).toEqual({ name, role, refusal: unknown });
      }
    }
  });

  it('happened now where the device\'s clock is up to half a minute ahead', async () => {
    const story = await enrollP1(system);
    const now = later(new Date().toISOString(), 60_000);
    await system.freeze(now);
    try {
      const { position } = await as('peer').mutate('changePreferences', {
        participantId: story.id, householdSize: 4, occurredAt: later(now, 30_000),
      });
      const { id } = await story.logContact({ startedAt: later(now, 10_000), endedAt: later(now, 30_000) });
      expect(await fieldsOf(as('peer'), id, 'PeerContact', 'startedAt endedAt')).toEqual({ startedAt: now, endedAt: now });
      const { timeline } = (await see(as('peer'), story.id))!;
      expect(timeline.find(({ type }) => type === 'PreferencesChanged')).toMatchObject({ occurredAt: now, recordedAt: now });
      expect(position).toBeDefined();
      const tooFar = later(now, 30_001);
      expect(await as('peer').refused('changePreferences', { participantId: story.id, householdSize: 4, occurredAt: tooFar }))
        .toEqual({ code: 'VALIDATION', fields: ['occurredAt'] });
      await expect(story.logContact({ startedAt: now, endedAt: tooFar })).rejects.toThrow('VALIDATION');
    } finally {
      await system.thaw();
    }
  });

  it('is about the same however ids are written', async () => {
    const story = await enrollP1(system);
    const contact = await story.logContact();
    const id = story.id.toUpperCase();
    await as('peer').mutate('changePreferences', { participantId: id, householdSize: 4 });
    expect(await see(as('peer'), id)).toMatchObject({ id: story.id, householdSize: 4 });
    expect(await nodeOf(as('peer'), contact.id.toUpperCase())).toMatchObject({ id: contact.id });
    expect(await accessOf(as('peer'), id)).toEqual(await accessOf(as('peer'), story.id));
  });

  it('never happened in the future, and needs a commandId that says something', async () => {
    const story = await enrollP1(system);
    const input = { participantId: story.id, householdSize: 4 };
    const tomorrow = later(new Date().toISOString(), 86_400_000);
    expect(await as('peer').refused('changePreferences', { ...input, occurredAt: tomorrow }))
      .toEqual({ code: 'VALIDATION', fields: ['occurredAt'] });
    expect(await as('peer').refused('changePreferences', { ...input, occurredAt: 'yesterday' }))
      .toEqual({ code: 'VALIDATION', fields: ['occurredAt'] });
    expect(await as('peer').refused('changePreferences', { ...input, commandId: '  ' }))
      .toEqual({ code: 'VALIDATION', fields: ['commandId'] });
    expect(await as('peer').command('changePreferences', { ...input, commandId: null })).toMatchObject({ status: 400 });
  });

  it('says the path of a malformed field', async () => {
    const story = await enrollP1(system);
    const wrong: [Client, string, Record<string, unknown>, string[]][] = [
      [as('peer'), 'enrollParticipant', { preferredName: ' ', language: 'en' }, ['preferredName']],
      [as('peer'), 'enrollParticipant', { preferredName: 'Jo', language: 'en', participantId: 'P1' }, ['participantId']],
      [as('peer'), 'enrollParticipant', { preferredName: 'Jo', language: 'en', birthDate: '1990-02-30' }, ['birthDate']],
      [as('peer'), 'enrollParticipant', { preferredName: 'Jo', language: 'en', birthDate: '2999-01-01' }, ['birthDate']],
      [as('peer'), 'enrollParticipant', { preferredName: 'Jo', language: 'en', setting: 'moon' }, ['setting']],
      [as('peer'), 'changePreferences', { participantId: story.id, householdSize: 0 }, ['householdSize']],
      [story.person, 'recordEmploymentStatus', { participantId: story.id, status: 'retired' }, ['status']],
      [story.person, 'recordEmploymentStatus', { participantId: story.id, status: 'fullTime', startDate: 'May' }, ['startDate']],
      [as('peer'), 'logPeerContact', contact(story, { modality: 'pigeon', supportTypes: [] }), ['modality', 'supportTypes']],
      [as('peer'), 'logPeerContact', contact(story, { endedAt: later(story.enrolledAt, -7_200_000) }), ['endedAt']],
      [as('peer'), 'logPeerContact', contact(story, { endedAt: '2999-01-01T00:00:00Z' }), ['endedAt']],
      [as('peer'), 'logPeerContact', contact(story, { visibility: 'everyone' }), ['visibility']],
      [as('peer'), 'draftReferral', { participantId: story.id, needCategory: 'money', targetOrganizationId: 'x' },
        ['needCategory', 'targetOrganizationId']],
      [as('peer'), 'draftReferral', {
        participantId: story.id, needCategory: 'housing', targetOrganizationId: system.dev.organizations.OrgH,
        sharedFields: ['diagnosis'],
      }, ['sharedFields']],
      [as('peer'), 'draftReferral', { participantId: story.id, needCategory: 'housing', targetOrganizationId: randomUUID() },
        ['targetOrganizationId']],
    ];
    for (const [caller, name, input, fields] of wrong) {
      expect({ name, input, refusal: await caller.refused(name, input) })
        .toEqual({ name, input, refusal: { code: 'VALIDATION', fields } });
    }
  });
});

const contact = (story: Story, change: object = {}) => ({
  participantId: story.id, startedAt: later(story.enrolledAt, -7_200_000), endedAt: later(story.enrolledAt, -3_600_000),
  modality: 'phone', supportTypes: ['emotional'], summary: 'A talk.', ...change,
});

describe('A command sent again', () => {
  it('five times at once is one event and five equal answers; with another body it is refused (15)', async () => {
    const story = await enrollP1(system);
    const commandId = randomUUID();
    const input = { ...contact(story), commandId };
    const send = () => as('peer').mutate('logPeerContact', input, 'peerContact { id summary }');
    const [first, ...others] = await Promise.all([send(), send(), send(), send(), send()]);
    expect(others).toEqual([first, first, first, first]);
    expect(first).toMatchObject({ peerContact: { id: first.id, summary: 'A talk.' } });
    expect((await see(story.person, story.id))?.contacts).toHaveLength(1);
    expect(await as('peer').refused('logPeerContact', { ...input, summary: 'Another talk.' }))
      .toEqual({ code: 'IDEMPOTENCY_MISMATCH' });
    expect(await as('peer').refused('changePreferences', { commandId, participantId: story.id, householdSize: 5 }))
      .toEqual({ code: 'IDEMPOTENCY_MISMATCH' });
    expect((await see(story.person, story.id))?.contacts).toHaveLength(1);
  });

  it('creates one person, five times at once', async () => {
    const input = { commandId: randomUUID(), preferredName: 'Jo', language: 'en' };
    const answers = await Promise.all(Array.from({ length: 5 }, () => as('supervisor').mutate('enrollParticipant', input)));
    expect(new Set(answers.map((answer) => JSON.stringify(answer))).size).toBe(1);
  });

  it('is answered with the first id, version and position, and the node as it may be seen now', async () => {
    const story = await enrollP1(system);
    const input = { commandId: randomUUID(), ...contact(story) };
    const first = await as('peer').mutate<{ peerContact: object }>('logPeerContact', input,
      'peerContact { summary visibility version }');
    await story.person.mutate('setContactVisibility', { contactId: first.id, visibility: 'team' });
    expect(await as('peer').mutate('logPeerContact', input, 'peerContact { summary visibility version }'))
      .toEqual({ ...first, peerContact: { summary: 'A talk.', visibility: 'team', version: 1 } });
  });

  it('is answered also to who has lost access since, without the node', async () => {
    const story = await enrollP1(system);
    const input = { commandId: randomUUID(), participantId: story.id, householdSize: 4 };
    const first = await as('peer').mutate('changePreferences', input, 'participant { householdSize }');
    expect(first).toMatchObject({ participant: { householdSize: 4 } });
    await story.person.mutate('removeTeamMember', { participantId: story.id, memberId: system.dev.members.peer!.memberId });
    expect(await as('peer').mutate('changePreferences', input, 'participant { householdSize }'))
      .toEqual({ ...first, participant: null });
    expect(await as('peer').refused('changePreferences', { ...input, commandId: randomUUID() }))
      .toMatchObject({ code: 'NOT_FOUND' });
  });

  it('is another command when somebody else sends it', async () => {
    const story = await enrollP1(system);
    const commandId = randomUUID();
    const byPeer = await as('peer').mutate('changePreferences', { commandId, participantId: story.id, householdSize: 4 });
    const byPerson = await story.person.mutate('changePreferences', { commandId, participantId: story.id, householdSize: 5 });
    expect(byPerson.version).toBe(byPeer.version + 1);
    expect(await see(story.person, story.id)).toMatchObject({ householdSize: 5 });
  });

  it('is not remembered when it was refused', async () => {
    const story = await enrollP1(system);
    const commandId = randomUUID();
    expect(await as('peer').refused('logPeerContact', { commandId, ...contact(story, { visibility: 'team' }) }))
      .toMatchObject({ code: 'VALIDATION' });
    await as('peer').mutate('logPeerContact', { commandId, ...contact(story) });
  });

  it('counts as the same however its times are written and with null for what is absent', async () => {
    const story = await enrollP1(system);
    const input = { commandId: randomUUID(), ...contact(story) };
    const first = await as('peer').mutate('logPeerContact', input);
    expect(await as('peer').mutate('logPeerContact', { ...input, narrative: null, expectedVersion: null })).toEqual(first);
  });
});

describe('The checks come in order', () => {
  it('role, shape, visibility, repetition, party, version, life cycle', async () => {
    const story = await enrollP1(system);
    await story.grantHousing();
    const referral = await story.refer('housing', 'OrgH');
    const used = randomUUID();
    await as('housing').mutate('acceptReferral', { commandId: used, referralId: referral.id });
    const stranger = await system.newWorker('housing', 'OrgE');

    // Each call below is wrong in its own way and in every later one.
    const wrong = { commandId: used, expectedVersion: 99, referralId: referral.id };
    expect(await story.person.refused('acceptReferral', { ...wrong, referralId: 'x' })).toEqual({ code: 'FORBIDDEN_ROLE' });
    expect(await stranger.client.refused('acceptReferral', { ...wrong, referralId: 'x' }))
      .toEqual({ code: 'VALIDATION', fields: ['referralId'] });
    expect(await stranger.client.refused('acceptReferral', wrong)).toEqual({ code: 'NOT_FOUND' });
    expect(await as('housing').refused('acceptReferral', wrong)).toEqual({ code: 'IDEMPOTENCY_MISMATCH' });
    expect(await as('peer').refused('acceptReferral', wrong)).toEqual({ code: 'FORBIDDEN_ROLE' });
    expect(await as('housing').refused('acceptReferral', { ...wrong, commandId: randomUUID() }))
      .toEqual({ code: 'VERSION_CONFLICT', actualVersion: 2 });
    expect(await as('housing').refused('acceptReferral', { referralId: referral.id, expectedVersion: 2 }))
      .toEqual({ code: 'INVALID_TRANSITION', state: 'accepted' });
  });
});

describe('An expected version', () => {
  it('is that of the last event which touched the node', async () => {
    const story = await enrollP1(system);
    await story.grantHousing();
    const sent = await story.refer('housing', 'OrgH');
    const { node } = await as('housing').query<{ node: { version: number } }>(
      'query($id: ID!, $atLeast: String) { node(id: $id, atLeast: $atLeast) { ... on Referral { version } } }', { id: sent.id });
    expect(node.version).toBe(sent.version);
    // Another referral of the person lies in the same stream, and does not count.
    await story.person.mutate('draftReferral', {
      participantId: story.id, needCategory: 'food', targetOrganizationId: system.dev.organizations.OrgO,
    });
    await as('housing').mutate('acceptReferral', { referralId: sent.id, expectedVersion: sent.version });
    expect(await as('housing').refused('startReferral', { referralId: sent.id, expectedVersion: sent.version }))
      .toEqual({ code: 'VERSION_CONFLICT', actualVersion: sent.version + 1 });
  });

  it('lets one of two racing steps through (16)', async () => {
    const story = await enrollP1(system);
    await story.grantHousing();
    for (const need of ['housing', 'housing', 'housing']) {
      const sent: Payload = await story.refer(need, 'OrgH');
      const step = { referralId: sent.id, expectedVersion: sent.version };
      const answers = await Promise.all([
        as('housing').command('acceptReferral', step),
        as('peer').command('withdrawReferral', { ...step, reason: 'Found a place' }),
      ]);
      const refused = answers.flatMap(({ errors }) => errors ?? []);
      expect(refused.map(({ extensions }) => extensions))
        .toEqual([{ code: 'VERSION_CONFLICT', actualVersion: sent.version + 1 }]);
      const state = (await see(story.person, story.id))!.referrals.find(({ id }) => id === sent.id)!.state;
      expect(['accepted', 'withdrawn']).toContain(state);
      if (state === 'accepted') await as('peer').mutate('withdrawReferral', { referralId: sent.id, reason: 'Found a place' });
    }
  });

  it('is a conflict where the command creates something', async () => {
    const story = await enrollP1(system);
    expect(await as('peer').refused('logPeerContact', { ...contact(story), expectedVersion: 0 }))
      .toEqual({ code: 'VERSION_CONFLICT' });
  });

  it('is not needed: racing writers of one person both get through', async () => {
    const story = await enrollP1(system);
    const versions = await Promise.all([1, 2, 3, 4].map(async (householdSize) => (
      await as('peer').mutate('changePreferences', { participantId: story.id, householdSize })).version));
    expect(versions.sort()).toEqual([1, 2, 3, 4]);
  });
});

describe('Enrolling', () => {
  it('makes the enrolling peer primary at once, and nobody else', async () => {
    const byPeer = await enrollP1(system);
    expect((await see(as('peer'), byPeer.id))?.team).toMatchObject([{
      role: 'peer', state: 'joined', isPrimaryPeer: true, worker: { id: system.dev.members.peer!.memberId, name: 'Sam Okafor' },
    }]);
    const bySupervisor = await enrollP1(system, {}, as('supervisor'));
    expect((await see(as('supervisor'), bySupervisor.id))?.team).toEqual([]);
    const peer = await system.newWorker('peer', 'OrgR');
    await bySupervisor.join(peer);
    expect((await see(peer.client, bySupervisor.id))?.team)
      .toMatchObject([{ isPrimaryPeer: true, worker: { id: peer.memberId } }]);
  });

  it('keeps what is said of the person', async () => {
    const story = await enrollP1(system, {
      interpreterNeeded: true, track: 'reentry', enrolledVia: 'outreach', setting: 'jail', doNotAskTopics: ['family'],
      contact: { phone: '555-0100', email: 'jo@example.org', address: '1 River St', okToText: false },
    });
    expect(await see(story.person, story.id)).toMatchObject({
      version: 0, preferredName: 'Jordan', legalName: 'Jordan Rivera', birthDate: '1990-04-01', language: 'en',
      interpreterNeeded: true,
      householdSize: 2, accessibility: 'Ground floor', pathway: ['recoveryCoaching'], track: 'reentry', enrolledVia: 'outreach',
      setting: 'jail', safeContact: 'Mornings only', doNotAskTopics: ['family'], employment: null,
      contact: { phone: '555-0100', email: 'jo@example.org', address: '1 River St', okToText: false },
    });
  });

  it('takes an id once; a person takes none but their own', async () => {
    const story = await enrollP1(system);
    const input = { participantId: story.id, preferredName: 'Jo', language: 'en' };
    expect(await as('peer').refused('enrollParticipant', input)).toEqual({ code: 'VERSION_CONFLICT', actualVersion: 0 });
    expect(await story.person.refused('enrollParticipant', { ...input, participantId: randomUUID() }))
      .toEqual({ code: 'FORBIDDEN_ROLE' });
    const id = randomUUID();
    const race = await Promise.all(
      [1, 2].map(() => as('peer').command('enrollParticipant', { ...input, participantId: id })),
    );
    expect(race.flatMap(({ errors }) => errors ?? []).map(({ extensions }) => extensions))
      .toEqual([{ code: 'VERSION_CONFLICT', actualVersion: 0 }]);
  });
});

describe('The care team', () => {
  it('is joined by the invited, in the role and for the organization invited', async () => {
    const story = await enrollP1(system);
    const invited = await system.newWorker('clinician', 'OrgC');
    const unknown = await invited.client.refusal('joinCareTeam', { participantId: randomUUID() });
    expect(unknown.extensions).toEqual({ code: 'NOT_FOUND' });
    expect(await invited.client.refusal('joinCareTeam', { participantId: story.id })).toEqual(unknown);
    const invitation = {
      participantId: story.id, memberId: invited.memberId, role: 'physician', organizationId: system.dev.organizations.OrgC,
    };
    const first = await as('peer').mutate('inviteTeamMember', invitation,
      'careTeamMember { id state role participant { id } worker { id } }');
    expect(first)
      .toMatchObject({ careTeamMember: { id: first.id, state: 'invited', role: 'physician', worker: { id: invited.memberId } } });
    expect(await as('peer').refused('inviteTeamMember', invitation)).toEqual({ code: 'INVALID_TRANSITION', state: 'invited' });
    // Invited in another role, and so nobody to them.
    expect(await invited.client.refusal('joinCareTeam', { participantId: story.id })).toEqual(unknown);

    await as('supervisor').mutate('removeTeamMember', { participantId: story.id, memberId: invited.memberId });
    expect(await invited.client.refusal('joinCareTeam', { participantId: story.id })).toEqual(unknown);
    expect(await as('peer').refused('removeTeamMember', { participantId: story.id, memberId: invited.memberId }))
      .toEqual({ code: 'INVALID_TRANSITION', state: 'removed' });
    const again = await story.person.mutate('inviteTeamMember', { ...invitation, role: 'clinician' });
    expect(again.id).not.toBe(first.id);
    const joined = await invited.client.mutate('joinCareTeam', { participantId: story.id });
    expect(joined.id).toBe(again.id);
    expect(await invited.client.refused('joinCareTeam', { participantId: story.id }))
      .toEqual({ code: 'INVALID_TRANSITION', state: 'joined' });
    expect(await as('peer').refused('inviteTeamMember', invitation)).toEqual({ code: 'INVALID_TRANSITION', state: 'joined' });
    expect(await as('peer').refused('removeTeamMember', { participantId: story.id, memberId: randomUUID() }))
      .toEqual({ code: 'NOT_FOUND' });
  });

  it('ends for who is removed: nothing after the acknowledgement', async () => {
    const story = await enrollP1(system);
    const peer = await system.newWorker('peer', 'OrgR');
    await story.join(peer);
    expect(await see(peer.client, story.id)).not.toBeNull();
    await story.person.mutate('removeTeamMember', { participantId: story.id, memberId: peer.memberId });
    expect(await see(peer.client, story.id)).toBeNull();
    expect(await peer.client.refused('logPeerContact', contact(story))).toEqual({ code: 'NOT_FOUND' });
  });

  it('lets a former member enter late what happened in their time', async () => {
    const story = await enrollP1(system);
    const peer = await system.newWorker('peer', 'OrgR');
    await story.join(peer);
    const { timeline } = (await see(story.person, story.id))!;
    const joinedAt = timeline.find(({ type }) => type === 'TeamMemberJoined')!.occurredAt;
    await story.person.mutate('removeTeamMember', { participantId: story.id, memberId: peer.memberId });
    const late = await peer.client.mutate('logPeerContact', { ...contact(story), occurredAt: joinedAt },
      'peerContact { summary participant { id } }');
    expect(late).toMatchObject({ peerContact: { summary: 'A talk.', participant: null } });
    expect(await peer.client.refused('logPeerContact', { ...contact(story), occurredAt: later(joinedAt, -60_000) }))
      .toEqual({ code: 'NOT_FOUND' });
  });
});

describe('Late entry of a clinician note', () => {
  it('is for who was on the team when it happened, and has left; not for who was shut out', async () => {
    const story = await enrollP1(system);
    await story.grantTpo();
    const clinician = await system.newWorker('clinician', 'OrgC');
    await story.join(clinician);
    const { timeline } = (await see(story.person, story.id))!;
    const joinedAt = timeline.find(({ type }) => type === 'TeamMemberJoined')!.occurredAt;
    const note = { participantId: story.id, noteType: 'visit', body: 'Seen.', segments: ['health'], authorCredential: 'MD' };
    await story.person.mutate('removeTeamMember', { participantId: story.id, memberId: clinician.memberId });
    const { clinicianNote } = await clinician.client.mutate<{ clinicianNote: object }>('recordClinicianNote',
      { ...note, occurredAt: joinedAt }, 'clinicianNote { body participant { id } }');
    expect(clinicianNote).toEqual({ body: 'Seen.', participant: null });
    expect(await clinician.client.refused('recordClinicianNote', note)).toEqual({ code: 'NOT_FOUND' });
    expect(await clinician.client.refused('recordClinicianNote', { ...note, occurredAt: later(joinedAt, -60_000) }))
      .toEqual({ code: 'NOT_FOUND' });
    await story.person.mutate('restrictWorker', { participantId: story.id, memberId: clinician.memberId });
    expect(await clinician.client.refused('recordClinicianNote', { ...note, occurredAt: joinedAt }))
      .toEqual({ code: 'NOT_FOUND' });
  });
});

describe('What does not exist', () => {
  it('is not found, whatever version of it is expected', async () => {
    const story = await enrollP1(system);
    const nobody = { participantId: story.id, memberId: randomUUID(), expectedVersion: 3 };
    expect(await story.person.refused('removeTeamMember', nobody)).toEqual({ code: 'NOT_FOUND' });
    expect(await story.person.refused('grantConsent', { ...story.form, consentId: randomUUID(), expectedVersion: 3 }))
      .toEqual({ code: 'NOT_FOUND' });
  });
});

describe('What a peer may not do', () => {
  it('is anything clinical, or anything that is the person\'s to do (9, 13)', async () => {
    const story = await enrollP1(system);
    const consent = await story.grantHousing();
    const asPeer: [string, Record<string, unknown>][] = [
      ['recordClinicianNote', { participantId: story.id }],
      ['grantConsent', { ...story.form, kind: 'named' }],
      ['liftSuspension', { consentId: consent.id }],
      ['narrowConsent', { consentId: consent.id, segments: ['identity'] }],
      ['confirmReferral', { referralId: randomUUID(), gotHelp: 'yes' }],
      ['setContactVisibility', { contactId: randomUUID(), visibility: 'team' }],
    ];
    for (const [name, input] of asPeer) {
      expect({ name, ...await as('peer').refused(name, input) }).toEqual({ name, code: 'FORBIDDEN_ROLE' });
    }
  });
});

describe('A clinician note', () => {
  it('is amended by its author, beside what it said', async () => {
    const story = await enrollP1(system);
    await story.grantTpo();
    await story.join('clinician');
    const colleague = await system.newWorker('clinician', 'OrgC');
    await story.join(colleague);
    const note = await story.recordNote(as('clinician'), { body: 'Left knee.' });
    const amendment = { noteId: note.id, body: 'Right knee.', reason: 'Wrong side' };
    const amended = await as('clinician').mutate('amendClinicianNote', amendment,
      'clinicianNote { body amendments { body reason } }');
    expect(amended).toMatchObject({
      id: note.id, version: 1, clinicianNote: { body: 'Left knee.', amendments: [{ body: 'Right knee.', reason: 'Wrong side' }] },
    });
    expect(await colleague.client.refused('amendClinicianNote', amendment)).toEqual({ code: 'FORBIDDEN_ROLE' });
  });

  it('of a diagnosis, medication, plan or progress is no counseling note', async () => {
    const story = await enrollP1(system);
    await story.grantTpo();
    await story.join('clinician');
    for (const noteType of ['diagnosis', 'medication', 'treatmentPlan', 'progress']) {
      expect(await as('clinician').refused('recordClinicianNote', {
        participantId: story.id, noteType, body: 'As said.', segments: ['counseling'], authorCredential: 'LCSW',
      })).toEqual({ code: 'VALIDATION', fields: ['segments'] });
    }
  });

  it('reaches the peer only if it was shared with them and a consent opens its segments', async () => {
    const story = await enrollP1(system);
    await story.grantTpo();
    await story.join('clinician');
    const shared = await story.recordNote(as('clinician'), { sharedWithPeer: true });
    const kept = await story.recordNote(as('clinician'));
    expect(await nodeOf(as('peer'), shared.id)).toBeNull();
    await story.grant({
      kind: 'named', discloser: system.dev.organizations.OrgC, recipients: [{ orgId: system.dev.organizations.OrgR }],
      segments: ['health'], purposes: ['COC'], expiry: { event: 'I say so' },
    });
    expect(await nodeOf(as('peer'), shared.id)).not.toBeNull();
    expect(await nodeOf(as('peer'), kept.id)).toBeNull();
  });
});

describe('An organization', () => {
  it('is registered once, by the privacy officer', async () => {
    const input = { organizationId: randomUUID(), name: 'New Leaf', alias: 'NL Services' };
    expect(await as('privacyOfficer').mutate('registerOrganization', input, 'organization { id name }'))
      .toMatchObject({ id: input.organizationId, version: 0, organization: { id: input.organizationId, name: 'New Leaf' } });
    expect(await as('privacyOfficer').refused('registerOrganization', input))
      .toEqual({ code: 'VERSION_CONFLICT', actualVersion: 0 });
  });
});

describe('Employment', () => {
  it('is as last reported', async () => {
    const story = await enrollP1(system);
    await as('peer').mutate('recordEmploymentStatus', { participantId: story.id, status: 'lookingForWork' });
    const { participant } = await story.person.mutate<{ participant: object }>('recordEmploymentStatus', {
      participantId: story.id, status: 'seasonal', startDate: '2026-05-01', accommodation: 'Sits down at times',
    }, 'participant { employment { status startDate accommodation } }');
    expect(participant)
      .toEqual({ employment: { status: 'seasonal', startDate: '2026-05-01', accommodation: 'Sits down at times' } });
  });

  it('keeps what a report does not speak of, and loses what is taken out', async () => {
    const story = await enrollP1(system);
    const report = async (fields: object) => (await as('peer').mutate<{ participant: { employment: object } }>(
      'recordEmploymentStatus', { participantId: story.id, ...fields },
      'participant { employment { status startDate accommodation } }')).participant.employment;
    const hired = { status: 'partTime', startDate: '2026-05-01', accommodation: 'Sits down at times' };
    expect(await report(hired)).toEqual(hired);
    expect(await report({ status: 'fullTime' })).toEqual({ ...hired, status: 'fullTime' });
    expect(await report({ status: 'fullTime', accommodation: null }))
      .toEqual({ ...hired, status: 'fullTime', accommodation: null });
    expect(await report({ status: 'notLooking' })).toEqual({ status: 'notLooking', startDate: null, accommodation: null });
  });

  it('is not reported over by a peer of another organization, to whom what stands is closed', async () => {
    const story = await enrollP1(system);
    const peer = await system.newWorker('peer', 'OrgC');
    await story.join(peer);
    await story.grant({
      kind: 'named', recipients: [{ memberId: peer.memberId }], segments: ['social'], purposes: ['COC'], expiry: { event: 'x' },
    });
    expect(await peer.client.refused('recordEmploymentStatus', { participantId: story.id, status: 'fullTime' }))
      .toEqual({ code: 'FORBIDDEN_ROLE' });
  });
});
