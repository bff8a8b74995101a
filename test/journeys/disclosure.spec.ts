import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { accessOf, enrollP1, everySegmentButCounseling, nodeOf, see, type Story } from '../support/story.js';
import { startSystem, type Client, type TestSystem } from '../support/system.js';

let system: TestSystem;
beforeAll(async () => { system = await startSystem(); });
afterAll(async () => { expect(await system.stop()).toBe(0); });

const as = (role: string): Client => system.as(role);
const wholeAnswer = (viewer: Client, id: string) => viewer.ask(
  'query($id: ID!, $atLeast: String) { participant(id: $id, atLeast: $atLeast) { id team { totalCount } } node(id: $id) { id } '
  + 'access(participantId: $id) { at } }', { id });
const referralOf = async (viewer: Client, id: string) => (await viewer.query<{ node: Record<string, unknown> | null }>(
  `query($id: ID!, $atLeast: String) { node(id: $id, atLeast: $atLeast) { ... on Referral { state reason
    sender { id name } target { id name } shared { name value }
    participant { id preferredName legalName timeline { totalCount } } } } }`,
  { id })).node;
const all = (value: string, ...segments: string[]) => Object.fromEntries(segments.map((segment) => [segment, value]));

describe('A person whom somebody may not see', () => {
  it('is told from no random id, by no one whom the TPO consent does not reach (1)', async () => {
    const story = await enrollP1(system);
    await story.grantTpo();
    const unknown = await wholeAnswer(as('employer'), randomUUID());
    expect(unknown).toEqual({ status: 200, data: { participant: null, node: null, access: null } });
    const strangers = [
      'employer', 'educator', 'housing', 'justice', 'other', 'auditor', 'privacyOfficer', 'integrator', 'family',
    ];
    for (const role of strangers) {
      expect(await wholeAnswer(as(role), story.id)).toEqual(unknown);
    }
    // Class recipients are a relationship: a clinician who is not on the team is nobody's treating provider.
    expect(await wholeAnswer(as('clinician'), story.id)).toEqual(unknown);
    expect(await wholeAnswer(as('physician'), story.id)).toEqual(unknown);
  });

  it('is as absent as a malformed id', async () => {
    for (const id of ['', 'P1', '../../etc', "' or 1=1 --", `${randomUUID()}0`]) {
      expect(await wholeAnswer(as('peer'), id)).toEqual({ status: 200, data: { participant: null, node: null, access: null } });
    }
  });

  it('leaves a denial counted', async () => {
    const story = await enrollP1(system);
    const denials = async () => Number(/disclosure_decisions_total\{role="employer",outcome="denied"\} (\d+)/
      .exec(await (await fetch(system.dev.metrics)).text())?.[1] ?? 0);
    const before = await denials();
    expect(await see(as('employer'), story.id)).toBeNull();
    expect(await denials()).toBe(before + 1);
  });
});

describe('A named consent', () => {
  it('opens employment to the employer and nothing else (2)', async () => {
    const story = await enrollP1(system);
    await story.grantTpo();
    await story.grantEmployment();
    await story.logContact();
    await story.person.mutate('recordEmploymentStatus', {
      participantId: story.id, status: 'partTime', startDate: '2026-01-02', accommodation: 'A quiet place',
    });
    const seen = (await see(as('employer'), story.id))!;
    expect(seen).toMatchObject({ employment: { status: 'partTime', startDate: '2026-01-02', accommodation: 'A quiet place' } });
    const { id, employment, timeline, ...rest } = seen;
    expect({ id, employment: Boolean(employment) }).toEqual({ id: story.id, employment: true });
    expect(timeline.map(({ type, actor }) => ({ type, actor }))).toEqual([{ type: 'EmploymentStatusRecorded', actor: null }]);
    for (const value of Object.values(rest)) expect(Array.isArray(value) ? value : value ?? []).toEqual([]);
    expect(await accessOf(as('employer'), story.id)).toEqual({
      ...all('roleCeiling', ...everySegmentButCounseling, 'counseling'), employment: 'named',
    });
  });

  it('reaches one member by name, and no colleague of theirs', async () => {
    const story = await enrollP1(system);
    const [named, colleague] = [await system.newWorker('housing', 'OrgH'), await system.newWorker('housing', 'OrgH')];
    await story.grant({
      kind: 'named', recipients: [{ memberId: named.memberId }], segments: ['identity'], purposes: ['COC'],
      expiry: { event: 'A home' },
    });
    expect(await see(named.client, story.id)).toMatchObject({ preferredName: 'Jordan' });
    expect(await see(colleague.client, story.id)).toBeNull();
    expect(await accessOf(named.client, story.id))
      .toMatchObject({ identity: 'named', housing: 'noBasis', health: 'roleCeiling' });
  });

  it('opens to housing the minimum of the identity, and not legal name, birth date or language', async () => {
    const story = await enrollP1(system);
    await story.grantHousing();
    expect(await see(as('housing'), story.id)).toMatchObject({
      preferredName: 'Jordan', contact: { phone: '555-0100', okToText: true }, householdSize: 2, accessibility: 'Ground floor',
      legalName: null, birthDate: null, language: null, interpreterNeeded: null, pathway: null, safeContact: null,
      employment: null,
      team: [], consents: [], contacts: [], notes: [], referrals: [], timeline: [],
    });
  });

  it('does not lift a role above its ceiling, whatever it lists', async () => {
    const story = await enrollP1(system);
    await story.grant({
      kind: 'named', recipients: [{ orgId: system.dev.organizations.OrgE }, { orgId: system.dev.organizations.OrgS }],
      segments: everySegmentButCounseling, purposes: ['COC'], expiry: { event: 'The job ends' },
    });
    expect(await accessOf(as('employer'), story.id))
      .toMatchObject({ ...all('roleCeiling', 'identity', 'team', 'sud'), employment: 'named' });
    expect(await accessOf(as('educator'), story.id))
      .toMatchObject({ ...all('roleCeiling', 'identity', 'team', 'sud'), education: 'named' });
    expect(await see(as('employer'), story.id)).toMatchObject({ preferredName: null, pathway: null });
  });

  it('opens only what its discloser wrote', async () => {
    const story = await enrollP1(system);
    await story.grantTpo();
    await story.join('clinician');
    const physician = await story.join('physician');
    const note = await story.recordNote(as('clinician'));
    // C-TPO's discloser is OrgR: what OrgC wrote stays closed to OrgED until a consent says otherwise.
    expect(physician.version).toBeGreaterThan(0);
    expect((await see(as('physician'), story.id))?.notes).toEqual([]);
    expect(await nodeOf(as('physician'), note.id)).toBeNull();
    await story.grant({
      kind: 'named', discloser: system.dev.organizations.OrgC, recipients: [{ orgId: system.dev.organizations.OrgED }],
      segments: ['health'], purposes: ['TREAT'], expiry: { none: true },
    });
    expect((await see(as('physician'), story.id))?.notes).toMatchObject([{ id: note.id, body: 'Seen today.' }]);
  });
});

describe('After a revocation', () => {
  it('every edge by which somebody had reached the person is cut (3)', async () => {
    const story = await enrollP1(system);
    const other = await enrollP1(system);
    const { id: mill } = await as('privacyOfficer').mutate('registerOrganization', { name: 'Mill', part2Program: false });
    const consent = await story.grantEmployment(mill);
    await other.grantEmployment(mill);
    const employer = await system.newWorker('employer', mill);
    await story.join(employer);
    await other.join(employer);
    const referral = await story.refer('employment', mill, { reason: 'A job in the mornings', sharedFields: ['reason'] });
    const reach = () => employer.client.query(`query($person: ID!, $referral: ID!, $atLeast: String) {
      byReferral: node(id: $referral, atLeast: $atLeast) { ...R }
      again: node(id: $referral, atLeast: $atLeast) { id ... on Referral { p: participant { id } } }
      byPerson: node(id: $person) { id }
      participant(id: $person) { team { edges { node { worker { participants { edges { node { id } } } } } } } }
      list: participants(first: 100) { totalCount edges { node { id referrals { totalCount } } } }
      viewer { participants(first: 100) { totalCount edges { node { id } } } }
      access(participantId: $person) { at } }
      fragment R on Referral { state participant { team { edges { node { participant { id } } } } } }`,
    { person: story.id, referral: referral.id });
    expect(await reach()).toMatchObject({
      byReferral: { state: 'requested' }, again: { p: { id: story.id } }, byPerson: { id: story.id },
      list: { totalCount: 2 }, access: { at: expect.any(String) },
    });
    await story.person.mutate('revokeConsent', { consentId: consent.id });
    expect(await reach()).toEqual({
      byReferral: null, again: null, byPerson: null, participant: null, access: null,
      list: { totalCount: 1, edges: [{ node: { id: other.id, referrals: { totalCount: 0 } } }] },
      // The employer does not see teams, their own place on them included.
      viewer: { participants: { totalCount: 1, edges: [{ node: { id: other.id } }] } },
    });
  });

  it('a fresh grant reopens, and another basis stands meanwhile', async () => {
    const story = await enrollP1(system);
    const first = await story.grantHousing();
    const second = await story.grantHousing();
    await story.person.mutate('revokeConsent', { consentId: first.id });
    expect(await see(as('housing'), story.id)).not.toBeNull();
    await story.person.mutate('revokeConsent', { consentId: second.id });
    expect(await see(as('housing'), story.id)).toBeNull();
    await story.grantHousing();
    expect(await see(as('housing'), story.id)).toMatchObject({ preferredName: 'Jordan' });
  });
});

describe('A counseling note', () => {
  const setUp = async () => {
    const story = await enrollP1(system);
    await story.grantTpo();
    await story.join('clinician');
    const counselor = await system.newWorker('clinician', 'OrgC');
    await story.join(counselor);
    const note = await story.recordNote(counselor.client,
      { noteType: 'session', segments: ['counseling'], body: 'Of the session.' });
    return { story, counselor, note };
  };

  it('is its author\'s and the person\'s, and no colleague\'s under TPO (10)', async () => {
    const { story, counselor, note } = await setUp();
    expect(await nodeOf(counselor.client, note.id)).toEqual({ __typename: 'ClinicianNote', id: note.id });
    expect((await see(story.person, story.id))?.notes).toMatchObject([{ body: 'Of the session.' }]);
    expect(await nodeOf(as('clinician'), note.id)).toBeNull();
    expect((await see(as('clinician'), story.id))?.notes).toEqual([]);
    expect(await accessOf(as('clinician'), story.id))
      .toEqual({ ...all('tpo', ...everySegmentButCounseling), counseling: 'noBasis' });
  });

  it('opens to a clinician whom a consent of its own names (10)', async () => {
    const { story, note } = await setUp();
    await story.grant({
      kind: 'counselingNotes', discloser: system.dev.organizations.OrgC,
      recipients: [{ memberId: system.dev.members.clinician!.memberId }], segments: ['counseling'], purposes: ['TREAT'],
      expiry: { none: true },
    });
    expect((await see(as('clinician'), story.id))?.notes).toMatchObject([{ id: note.id, body: 'Of the session.' }]);
  });

  it('is still read by its author when the person shut them out', async () => {
    const { story, counselor, note } = await setUp();
    await story.person.mutate('restrictWorker', { participantId: story.id, memberId: counselor.memberId });
    expect(await see(counselor.client, story.id)).toBeNull();
    const noteAlone = 'query($id: ID!) { node(id: $id) { ... on ClinicianNote { body participant { id } } } }';
    expect(await counselor.client.query(noteAlone, {
      id: note.id,
    })).toEqual({ node: { body: 'Of the session.', participant: null } });
  });
});

describe('A worker whom the person shuts out', () => {
  it('sees nothing from the acknowledgement on, until the person lets them in again; others learn nothing of it', async () => {
    const story = await enrollP1(system);
    const peer = system.dev.members.peer!.memberId;
    await story.person.mutate('restrictWorker', { participantId: story.id, memberId: peer });
    expect(await see(as('peer'), story.id)).toBeNull();
    expect(await as('peer').refused('changePreferences', { participantId: story.id, householdSize: 3 }))
      .toMatchObject({ code: 'NOT_FOUND' });
    expect((await see(as('supervisor'), story.id))?.timeline.map(({ type }) => type)).not.toContain('WorkerRestricted');
    expect((await see(story.person, story.id))?.timeline.map(({ type }) => type)).toContain('WorkerRestricted');
    await story.person.mutate('liftRestriction', { participantId: story.id, memberId: peer });
    expect(await see(as('peer'), story.id)).toMatchObject({ preferredName: 'Jordan' });
  });

  it('is shut out once, and let in once', async () => {
    const story = await enrollP1(system);
    const input = { participantId: story.id, memberId: randomUUID() };
    expect(await story.person.refused('liftRestriction', input))
      .toMatchObject({ code: 'INVALID_TRANSITION', state: 'unrestricted' });
    await story.person.mutate('restrictWorker', input);
    expect(await story.person.refused('restrictWorker', input))
      .toMatchObject({ code: 'INVALID_TRANSITION', state: 'restricted' });
  });
});

describe('A worker who is a participant too', () => {
  /** Enrolled as P1 by somebody at OrgR, and at work for OrgR and OrgH. */
  const setUp = async () => {
    const story = await enrollP1(system);
    const { OrgR, OrgH } = system.dev.organizations;
    const sub = `person-${story.id}`;
    const atWork = async (role: string, org_id: string) => system.as(await system.token({ sub, role, org_id, name: 'Jordan' }));
    const [peer, housing] = [await atWork('peer', OrgR!), await atWork('housing', OrgH!)];
    await peer.mutate('enrollParticipant', { preferredName: 'Somebody else', language: 'en' });
    const other = await enrollP1(system);
    await other.grantHousing();
    await housing.mutate('acceptReferral', { referralId: (await other.refer('housing', 'OrgH')).id });
    return { story, peer, housing };
  };

  it('sees nothing of themself at work, and is unknown to the supervisor and to colleagues from their first act on', async () => {
    const { story, peer, housing } = await setUp();
    expect(await see(as('supervisor'), story.id)).not.toBeNull();
    await story.grantHousing();
    for (const viewer of [as('supervisor'), as('housing'), peer, housing]) {
      expect(await see(viewer, story.id)).toBeNull();
      expect(await accessOf(viewer, story.id)).toBeNull();
      const { participants } = await viewer.query<{ participants: { edges: { node: { id: string } }[] } }>(
        '{ participants(first: 100) { edges { node { id } } } }');
      expect(participants.edges.map(({ node }) => node.id)).not.toContain(story.id);
    }
    expect(await see(as('peer'), story.id)).toMatchObject({ preferredName: 'Jordan' });
    await story.join('supervisor');
    await story.join('housing');
    expect(await see(as('supervisor'), story.id)).not.toBeNull();
    expect(await see(as('housing'), story.id)).not.toBeNull();
  });

  it('decides about themself only as the person', async () => {
    const { story, peer } = await setUp();
    const consent = await story.grantHousing();
    expect(await peer.refused('suspendConsent', { consentId: consent.id })).toEqual({ code: 'NOT_FOUND' });
    expect(await peer.refused('changePreferences', { participantId: story.id, householdSize: 1 })).toEqual({ code: 'NOT_FOUND' });
  });

  it('is not named as the one who acted, but to themself', async () => {
    const { story } = await setUp();
    await story.grantTpo();
    await story.grantHousing();
    await story.join('clinician');
    const actors = async (viewer: Client) => (await see(viewer, story.id))!.timeline
      .filter(({ type }) => type === 'ConsentGranted').map(({ actor }) => actor?.id ?? null);
    for (const viewer of [as('peer'), as('clinician')]) expect(new Set(await actors(viewer))).toEqual(new Set([null]));
    expect(await actors(story.person)).toEqual([expect.any(String), expect.any(String)]);
  });
});

describe('An author who is shut out', () => {
  it('does not learn what others wrote to what they began', async () => {
    const story = await enrollP1(system);
    const draft = await as('peer').mutate('draftConsent', { participantId: story.id, kind: 'named' });
    await story.grantHousing();
    const referral = await story.refer('housing', 'OrgH');
    const contact = await story.logContact();
    const colleague = await as('peer').mutate('inviteTeamMember', {
      participantId: story.id, memberId: randomUUID(), role: 'other', organizationId: system.dev.organizations.OrgO,
    });
    const begun = [draft, referral, colleague];
    for (const { id } of [...begun, contact]) expect(await nodeOf(as('peer'), id)).toMatchObject({ id });
    await story.person.mutate('restrictWorker', { participantId: story.id, memberId: system.dev.members.peer!.memberId });
    for (const { id } of begun) expect(await nodeOf(as('peer'), id)).toBeNull();
    expect(await nodeOf(as('peer'), contact.id)).toMatchObject({ id: contact.id });
    expect(await as('peer').refused('withdrawReferral', { referralId: referral.id, reason: 'x' })).toEqual({ code: 'NOT_FOUND' });
  });

  it('follows a referral that they sent while on the team, also where its segment is closed to them', async () => {
    const story = await enrollP1(system);
    const draft = await as('peer').mutate('draftReferral', {
      participantId: story.id, needCategory: 'health', targetOrganizationId: system.dev.organizations.OrgC,
    });
    expect(await nodeOf(as('peer'), draft.id)).toMatchObject({ id: draft.id });
    expect(await nodeOf(as('supervisor'), draft.id)).toBeNull();
    await story.person.mutate('removeTeamMember', { participantId: story.id, memberId: system.dev.members.peer!.memberId });
    expect(await nodeOf(as('peer'), draft.id)).toBeNull();
    expect(await as('peer').refused('sendReferral', { referralId: draft.id })).toEqual({ code: 'NOT_FOUND' });
  });
});

describe('Who sees what', () => {
  let story: Story;
  beforeAll(async () => {
    story = await enrollP1(system);
    await Promise.all([story.grantTpo(), story.grantHousing(), story.grantEmployment()]);
    await story.join('clinician');
    await story.join(story.family);
    await story.logContact();
    await story.logContact({ coAuthored: true, visibility: 'team', summary: 'Written together.' });
    await story.recordNote(as('clinician'), { sharedWithPeer: true });
  });

  it('the person sees everything, with themself as the reason', async () => {
    expect(await accessOf(story.person, story.id)).toEqual(all('self', ...everySegmentButCounseling, 'counseling'));
    const seen = (await see(story.person, story.id))!;
    expect(seen).toMatchObject({ preferredName: 'Jordan', legalName: 'Jordan Rivera', safeContact: 'Mornings only' });
    expect(seen.consents).toHaveLength(3);
    expect(seen.contacts).toHaveLength(2);
    expect(seen.contacts.every(({ narrative }) => narrative !== null)).toBe(true);
    expect(seen.notes).toHaveLength(1);
    expect(seen.team.map(({ role }) => role).sort()).toEqual(['clinician', 'family', 'peer']);
  });

  it('another person sees nothing of them', async () => {
    const other = await enrollP1(system);
    expect(await see(other.person, story.id)).toBeNull();
  });

  it('the peer sees what their assignment needs, and no clinical segment', async () => {
    expect(await accessOf(as('peer'), story.id)).toEqual({
      ...all('programInternal',
        'identity', 'team', 'goals', 'peer', 'housing', 'employment', 'education', 'justice', 'social', 'safety'),
      ...all('noBasis', 'sud', 'mh', 'health'), counseling: 'roleCeiling',
    });
    const seen = (await see(as('peer'), story.id))!;
    expect(seen).toMatchObject({ preferredName: 'Jordan', legalName: 'Jordan Rivera', pathway: ['recoveryCoaching'], notes: [] });
    expect(seen.contacts).toHaveLength(2);
  });

  it('a peer of the same program who is not on the team sees nothing', async () => {
    const colleague = await system.newWorker('peer', 'OrgR');
    expect(await see(colleague.client, story.id)).toBeNull();
  });

  it('a colleague who joins the team sees contacts of the team with their narrative, and not those between the two', async () => {
    const fresh = await enrollP1(system);
    await fresh.logContact();
    await fresh.logContact({ coAuthored: true, visibility: 'team', summary: 'Written together.' });
    const colleague = await system.newWorker('peer', 'OrgR');
    await fresh.join(colleague);
    expect((await see(colleague.client, fresh.id))?.contacts)
      .toMatchObject([{ summary: 'Written together.', narrative: 'In more words, between the two of us.' }]);
  });

  it('the supervisor sees the program\'s people without being on their team', async () => {
    expect(await accessOf(as('supervisor'), story.id)).toMatchObject({ identity: 'programInternal', sud: 'roleCeiling' });
    const elsewhere = await system.newWorker('supervisor', 'OrgC');
    expect(await see(elsewhere.client, story.id)).toBeNull();
  });

  it('the treating clinician sees all but counseling, and of contacts the summaries opened to the team', async () => {
    const seen = (await see(as('clinician'), story.id))!;
    expect(seen).toMatchObject({ preferredName: 'Jordan', legalName: 'Jordan Rivera' });
    expect(seen.contacts).toMatchObject([{ summary: 'Written together.', narrative: null }]);
    expect(seen.notes).toHaveLength(1);
  });

  it('the family sees the subset listed in a consent of its own', async () => {
    expect(await see(story.family.client, story.id)).toBeNull();
    await story.grant({
      kind: 'family', recipients: [{ memberId: story.family.memberId }], segments: ['team', 'goals', 'mh'], purposes: ['FAMRQT'],
      expiry: { event: 'I say so' },
    });
    expect(await accessOf(story.family.client, story.id)).toMatchObject({
      team: 'family', goals: 'family', mh: 'family', sud: 'noBasis', social: 'noBasis', identity: 'roleCeiling',
      health: 'roleCeiling',
    });
    const seen = (await see(story.family.client, story.id))!;
    expect(seen).toMatchObject({ preferredName: null, contacts: [], notes: [], consents: [] });
    expect(seen.team).toHaveLength(3);
  });

  it('oversight and machines see nothing by their role alone', async () => {
    for (const role of ['auditor', 'privacyOfficer', 'integrator', 'justice', 'educator', 'other']) {
      expect(await see(as(role), story.id)).toBeNull();
      expect(await accessOf(as(role), story.id)).toBeNull();
    }
  });

  it('access says until when, by which consents, and nothing of why not', async () => {
    const { access } = await as('housing').query<{ access: { segments: Record<string, unknown>[] } }>(
      `query($id: ID!) {
        access(participantId: $id) { participantId at segments { segment permitted basis consentIds until refusal } } }`,
      { id: story.id });
    const consents = (await see(story.person, story.id))!.consents;
    expect(access.segments).toHaveLength(14);
    expect(access.segments.find(({ segment }) => segment === 'housing')).toEqual({
      segment: 'housing', permitted: true, basis: 'named', refusal: null, until: expect.stringMatching(/Z$/),
      consentIds: [expect.stringMatching(/^[0-9a-f-]{36}$/)],
    });
    expect(consents.map(({ id }) => id))
      .toEqual(expect.arrayContaining(access.segments.flatMap(({ consentIds }) => consentIds as string[])));
    expect(access.segments.find(({ segment }) => segment === 'sud'))
      .toEqual({ segment: 'sud', permitted: false, basis: null, refusal: 'roleCeiling', until: null, consentIds: [] });
  });
});

describe('A contact between the two of them', () => {
  it('is opened to the team by the person, and closed again', async () => {
    const story = await enrollP1(system);
    await story.grantTpo();
    await story.join('clinician');
    const contact = await story.logContact();
    const seenByClinician = async () => (await see(as('clinician'), story.id))?.contacts.map(({ summary }) => summary);
    expect(await seenByClinician()).toEqual([]);
    await story.person.mutate('setContactVisibility', { contactId: contact.id, visibility: 'team' });
    expect(await seenByClinician()).toEqual(['We talked about the week.']);
    await story.person.mutate('setContactVisibility', { contactId: contact.id, visibility: 'personAndPeer' });
    expect(await seenByClinician()).toEqual([]);
    expect(await nodeOf(as('clinician'), contact.id)).toBeNull();
  });

  it('is not the peer\'s to open, unless the person wrote it too or wishes all to be open', async () => {
    const story = await enrollP1(system);
    const contact = (change: object) => ({
      participantId: story.id, startedAt: story.enrolledAt, endedAt: new Date().toISOString(), modality: 'video',
      supportTypes: ['informational'], summary: 'About forms.', visibility: 'team', ...change,
    });
    expect(await as('peer').refused('logPeerContact', contact({}))).toMatchObject({ code: 'VALIDATION', fields: ['visibility'] });
    await as('peer').mutate('logPeerContact', contact({ coAuthored: true }));
    expect(await as('peer').refused('changePreferences', { participantId: story.id, contactsOpenToTeam: true }))
      .toMatchObject({ code: 'FORBIDDEN_ROLE' });
    await story.person.mutate('changePreferences', { participantId: story.id, contactsOpenToTeam: true });
    await as('peer').mutate('logPeerContact', contact({}));
    await story.person.mutate('changePreferences', { participantId: story.id, contactsOpenToTeam: false });
    expect(await as('peer').refused('logPeerContact', contact({}))).toMatchObject({ code: 'VALIDATION', fields: ['visibility'] });
  });
});

describe('A Part 2 program', () => {
  it('is its alias to whom a referral goes, itself to the person, its own, and treating recipients under TPO (2)', async () => {
    const story = await enrollP1(system);
    await story.grantTpo();
    await story.grantHousing();
    await story.join('clinician');
    const { OrgR, OrgH } = system.dev.organizations;
    const referral = await story.refer('housing', 'OrgH', { sharedFields: ['preferredName'] });
    const real = { id: OrgR, name: 'Riverside Recovery Center' };
    expect(await referralOf(as('housing'), referral.id)).toMatchObject({
      sender: { id: null, name: 'RC Services' }, target: { id: OrgH, name: 'Harbor Housing' },
    });
    for (const viewer of [story.person, as('peer'), as('supervisor'), as('clinician')]) {
      expect(await referralOf(viewer, referral.id)).toMatchObject({ sender: real });
    }
    // A clinician who is not its recipient knows it by its alias only.
    await story.grant({
      kind: 'named', recipients: [{ memberId: system.dev.members.physician!.memberId }], segments: ['housing'],
      purposes: ['TREAT'],
      expiry: { none: true },
    });
    expect(await referralOf(as('physician'), referral.id)).toMatchObject({ sender: { id: null, name: 'RC Services' } });
  });

  it('is nowhere in what an outside worker can learn of it by way of workers', async () => {
    const story = await enrollP1(system);
    await story.grantHousing();
    await story.refer('housing', 'OrgH');
    const text = JSON.stringify(await as('housing').ask(`query($id: ID!, $peer: ID!, $atLeast: String) {
      participant(id: $id, atLeast: $atLeast) { enrolledVia setting track pathway
        team { edges { node { worker { name organization { id name } } } } }
        timeline { edges { node { type actor { name organization { name } } } } }
        referrals { edges { node { sender { name } } } } }
      node(id: $peer) { ... on Worker { name organization { id name } } } }`,
    { id: story.id, peer: system.dev.members.peer!.memberId }));
    expect(text).toContain('RC Services');
    expect(text).not.toContain('Riverside');
    expect(text).not.toContain(system.dev.organizations.OrgR);
  });
});
