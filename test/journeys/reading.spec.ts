import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { placesOf } from '../support/places.js';
import { enrollP1, fieldsOf, later, nodeOf, see, type Story } from '../support/story.js';
import { startSystem, type Client, type TestSystem } from '../support/system.js';

let system: TestSystem;
beforeAll(async () => { system = await startSystem(); });
afterAll(async () => { expect(await system.stop()).toBe(0); });

const as = (role: string): Client => system.as(role);

interface Connection {
  edges: { cursor: string; node: { id: string; summary?: string } }[];
  pageInfo: { hasNextPage: boolean; hasPreviousPage: boolean; startCursor: string | null; endCursor: string | null };
  totalCount: number;
}
const page = '{ edges { cursor node { id } } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } totalCount }';

describe('A list', () => {
  let story: Story;
  const contacts: string[] = [];
  const read = async (args: string, list = 'contacts', viewer = story.person): Promise<Connection> =>
    (await fieldsOf<Record<string, Connection>>(viewer, story.id, 'Participant', `${list}${args} ${page}`))![list]!;

  beforeAll(async () => {
    story = await enrollP1(system);
    for (const summary of ['One', 'Two', 'Three', 'Four', 'Five']) contacts.unshift((await story.logContact({ summary })).id);
    await story.grantTpo();
    await story.join('clinician');
    await story.join(story.family);
    await story.recordNote(as('clinician'));
    await story.refer('housing', 'OrgH').catch(() => undefined);
    await story.person.mutate('draftReferral', {
      participantId: story.id, needCategory: 'food', targetOrganizationId: system.dev.organizations.OrgO,
    });
  });

  it('is read page by page, each node once', async () => {
    for (const list of ['contacts', 'team', 'timeline', 'referrals', 'consents', 'notes']) {
      const whole = await read('(first: 100)', list);
      expect(whole.edges).toHaveLength(whole.totalCount);
      expect(whole.pageInfo).toMatchObject({ hasNextPage: false, hasPreviousPage: false });
      const found: string[] = [];
      let after: string | null = null;
      for (let hasNextPage = true; hasNextPage;) {
        const next = await read(`(first: 2${after ? `, after: "${after}"` : ''})`, list);
        expect(next.totalCount).toBe(whole.totalCount);
        expect(next.pageInfo.hasPreviousPage).toBe(after !== null);
        expect([next.pageInfo.startCursor, next.pageInfo.endCursor])
          .toEqual([next.edges[0]?.cursor ?? null, next.edges.at(-1)?.cursor ?? null]);
        found.push(...next.edges.map(({ node }) => node.id));
        ({ endCursor: after, hasNextPage } = next.pageInfo);
      }
      expect({ list, found }).toEqual({ list, found: whole.edges.map(({ node }) => node.id) });
      expect(whole.totalCount).toBeGreaterThan(0);
    }
    expect((await read('')).edges.map(({ node }) => node.id)).toEqual(contacts);
  });

  it('has pages of 1 to 100', async () => {
    for (const first of [0, -1, 101, 2_000_000_000]) {
      const { status, data, errors } = await story.person.ask(
        'query($id: ID!, $first: Int) { participant(id: $id) { contacts(first: $first) { totalCount } } }',
        { id: story.id, first });
      expect({ first, status, errors: errors?.map(({ extensions }) => extensions) })
        .toEqual({ first, status: 200, errors: [{ code: 'VALIDATION', fields: ['first'] }] });
      expect(data).toEqual({ participant: null });
    }
    const { errors } = await story.person.ask('{ participants(first: 101) { totalCount } }');
    expect(errors?.[0]?.extensions).toEqual({ code: 'VALIDATION', fields: ['first'] });
  });

  it('takes no cursor that it did not give', async () => {
    for (const after of ['', 'x', 'MQ', Buffer.from("1' OR '1'='1").toString('base64url'), 'a'.repeat(500)]) {
      for (const list of ['contacts', 'timeline', 'team']) {
        const { errors } = await story.person.ask(
          `query($id: ID!, $after: String) { participant(id: $id) { ${list}(after: $after) { totalCount } } }`,
          { id: story.id, after });
        expect({ after, list, refusal: errors?.[0]?.extensions })
          .toEqual({ after, list, refusal: { code: 'VALIDATION', fields: ['after'] } });
      }
      const { errors } = await as('peer').ask('query($after: String) { participants(after: $after) { totalCount } }', { after });
      expect(errors?.[0]?.extensions).toEqual({ code: 'VALIDATION', fields: ['after'] });
    }
  });

  it('takes no cursor of another list, be it of another kind or another person\'s', async () => {
    const other = await enrollP1(system);
    for (const _ of [1, 2]) await other.logContact();
    const lists = ['contacts', 'timeline', 'team', 'referrals'];
    const cursorOf = async (viewer: Client, id: string, list: string): Promise<string> =>
      (await fieldsOf<Record<string, Connection>>(viewer, id, 'Participant', `${list}(first: 1) ${page}`))![list]!
        .edges[0]!.cursor;
    const cursors = await Promise.all(lists.map((list) => cursorOf(story.person, story.id, list)));
    for (const [index, list] of lists.entries()) {
      for (const after of [...cursors.filter((_, nth) => nth !== index), await cursorOf(other.person, other.id, 'contacts')]) {
        const { errors } = await story.person.ask(
          `query($id: ID!, $after: String) { participant(id: $id) { ${list}(after: $after) { totalCount } } }`,
          { id: story.id, after });
        expect({ list, refusal: errors?.[0]?.extensions })
          .toEqual({ list, refusal: { code: 'VALIDATION', fields: ['after'] } });
      }
    }
  });

  it('neither holds nor counts what is withheld', async () => {
    expect(await read('', 'contacts', as('clinician')))
      .toMatchObject({ edges: [], totalCount: 0, pageInfo: { hasNextPage: false } });
    const counted = (await read('(first: 1)', 'timeline', as('clinician'))).totalCount;
    expect(counted).toBeLessThan((await read('', 'timeline')).totalCount);
  });
});

describe('Employment', () => {
  it('is as of the last day that was told of, however late another was', async () => {
    const now = new Date().toISOString();
    const at = (days: number) => later(now, days * 86_400_000);
    const story = await enrollP1(system, { occurredAt: at(-30) });
    const told: [string, number][] = [['partTime', -1], ['lookingForWork', -9], ['fullTime', -1], ['seasonal', -5]];
    for (const [status, days] of told) {
      await as('peer').mutate('recordEmploymentStatus', { participantId: story.id, status, occurredAt: at(days) });
    }
    expect(await see(story.person, story.id)).toMatchObject({ employment: { status: 'fullTime' } });
  });
});

describe('The timeline', () => {
  it('is sorted by when things happened, ties by when they were recorded (17)', async () => {
    const story = await enrollP1(system);
    const yesterday = later(story.enrolledAt, -86_400_000);
    const late = await story.logContact({ occurredAt: yesterday, startedAt: later(yesterday, -3_600_000), endedAt: yesterday });
    const tie = await story.logContact({ occurredAt: yesterday, startedAt: later(yesterday, -3_600_000), endedAt: yesterday });
    const today = await story.logContact();
    const { timeline } = (await see(story.person, story.id))!;
    expect(timeline.map(({ node, type }) => (type === 'PeerContactLogged' ? node?.id : type)))
      .toEqual(['ParticipantEnrolled', today.id, tie.id, late.id]);
    expect(timeline.at(-1)).toMatchObject({ occurredAt: yesterday });
    expect(timeline.at(-1)!.recordedAt > story.enrolledAt).toBe(true);
  });

  it('is filtered by type, segment and time of occurrence, and counts what it filtered', async () => {
    const story = await enrollP1(system);
    const at = (hours: number) => later(story.enrolledAt, hours * 3_600_000);
    for (const hours of [-3, -2, -1]) await story.logContact({ occurredAt: at(hours) });
    await as('peer').mutate('recordEmploymentStatus', { participantId: story.id, status: 'fullTime', occurredAt: at(-2) });
    interface Timeline {
      totalCount: number;
      edges: { node: { type: string; occurredAt: string; segments: string[] } }[];
    }
    const read = async (filter: object) => (await story.person.query<{ participant: { timeline: Timeline } }>(
      `query($id: ID!, $filter: TimelineFilter, $atLeast: String) { participant(id: $id, atLeast: $atLeast) {
        timeline(filter: $filter) { totalCount edges { node { type occurredAt segments } } } } }`,
      { id: story.id, filter })).participant.timeline;
    const times = async (filter: object) => {
      const { totalCount, edges } = await read(filter);
      expect(totalCount).toBe(edges.length);
      return edges.map(({ node }) => node.occurredAt);
    };
    expect(await times({ types: ['PeerContactLogged'] })).toEqual([at(-1), at(-2), at(-3)]);
    expect(await times({ types: ['PeerContactLogged'], from: at(-2), to: at(-1) })).toEqual([at(-2)]);
    expect(await times({ from: at(-3), to: at(-3) })).toEqual([]);
    expect(await times({ from: at(-2), to: at(-1) })).toEqual([at(-2), at(-2)]);
    expect((await read({ segments: ['employment'] })).edges.map(({ node }) => node))
      .toEqual([{ type: 'EmploymentStatusRecorded', occurredAt: at(-2), segments: ['employment'] }]);
    expect(await times({ segments: ['employment', 'peer'], to: at(-1) })).toHaveLength(3);
    expect(await times({ types: [] })).toEqual([]);
    expect(await times({ types: ['NothingLikeIt'] })).toEqual([]);
    for (const [name, time] of [['from', 'yesterday'], ['to', ''], ['from', '']] as const) {
      const { errors } = await story.person.ask(
        'query($id: ID!, $filter: TimelineFilter) { participant(id: $id) { timeline(filter: $filter) { totalCount } } }',
        { id: story.id, filter: { [name]: time } });
      expect(errors?.[0]?.extensions).toEqual({ code: 'VALIDATION', fields: [`filter.${name}`] });
    }
  });

  it('leads to who did it and what it was about, as far as the viewer may see', async () => {
    const story = await enrollP1(system);
    await story.grantHousing();
    const contact = await story.logContact();
    const referral = await story.refer('housing', 'OrgH');
    const forPeer = (await see(as('peer'), story.id))!.timeline;
    expect(forPeer.find(({ type }) => type === 'PeerContactLogged'))
      .toMatchObject({ actor: { id: system.dev.members.peer!.memberId }, node: { id: contact.id } });
    expect(forPeer.find(({ type }) => type === 'ParticipantEnrolled')).toMatchObject({ node: { id: story.id } });
    expect((await see(as('housing'), story.id))!.timeline.map(({ type, actor, node }) => ({ type, actor, node })))
      .toEqual(['ReferralSent', 'ReferralDrafted'].map((type) => ({ type, actor: null, node: { id: referral.id } })));
  });
});

describe('A position', () => {
  it('that a mutation was answered with is read at once', async () => {
    const story = await enrollP1(system);
    for (const householdSize of [3, 4, 5, 6, 7, 8, 9, 10]) {
      const { position } = await as('peer').mutate('changePreferences', { participantId: story.id, householdSize });
      const { participant, node } = await story.person.query<Record<string, unknown>>(`query($id: ID!, $position: String) {
        participant(id: $id, atLeast: $position) { householdSize }
        node(id: $id, atLeast: $position) { ... on Participant { householdSize } } }`,
      { id: story.id, position });
      expect([participant, node]).toEqual([{ householdSize }, { householdSize }]);
    }
  });

  it('of another store, of the future, or of nobody\'s making is refused by every query', async () => {
    const story = await enrollP1(system);
    const { position } = await story.logContact();
    const places = await placesOf(system.env);
    const inside = places.positionOf(position)!;
    const [store, order] = inside.split('.') as [string, string];
    const future = places.position(`${store}.${String(BigInt(order) + 1_000n).padStart(20, '0')}`);
    const foreign = places.position(`${store.slice(0, -1)}${store.endsWith('0') ? '1' : '0'}.${order}`);
    const changed = `${position.slice(0, -1)}${position.endsWith('A') ? 'B' : 'A'}`;
    const cursor = places.cursor(`${story.id}/contacts`, '', inside);
    for (const atLeast of [future, foreign, changed, cursor, '', 'x', '12', `${position}0`, inside, `esdb.${order}.${order}`]) {
      for (const query of [
        'query($id: ID!, $p: String) { participant(id: $id, atLeast: $p) { id } }',
        'query($id: ID!, $p: String) { node(id: $id, atLeast: $p) { id } }',
        'query($id: ID!, $p: String) { access(participantId: $id, atLeast: $p) { at } }',
        'query($p: String) { participants(atLeast: $p) { totalCount } }',
      ]) {
        const { status, errors } = await story.person.ask(query, { id: story.id, p: atLeast });
        expect({ atLeast, query, status, refusal: errors?.[0]?.extensions })
          .toEqual({ atLeast, query, status: 200, refusal: { code: 'VALIDATION', fields: ['atLeast'] } });
      }
    }
  });

  it('tells nothing of how much there is, neither by its order nor by what two of them share; nor does a cursor', async () => {
    const story = await enrollP1(system);
    const told: string[] = [];
    for (let nth = 0; nth < 12; nth += 1) told.push((await story.logContact()).position);
    const { contacts, timeline } = (await fieldsOf<Record<string, { edges: { cursor: string; node?: { position?: string } }[] }>>(
      story.person, story.id, 'Participant',
      'contacts(first: 12) { edges { cursor } } '
        + 'timeline(first: 12, filter: { types: ["PeerContactLogged"] }) { edges { cursor node { position } } }'))!;
    // An entry of the story is where its command was acknowledged.
    expect(timeline!.edges.map(({ node }) => node!.position)).toEqual([...told].reverse());
    for (const tokens of [told, contacts!.edges.map(({ cursor }) => cursor), timeline!.edges.map(({ cursor }) => cursor)]) {
      for (const token of tokens) expect(token).toMatch(/^[\w-]{128}$/);
      // Of twelve that lie next to each other; by chance once in 240 million times, either way.
      const sorted = [...tokens].sort();
      expect(sorted).not.toEqual(tokens);
      expect(sorted.reverse()).not.toEqual(tokens);
      const inAll = [...tokens[0]!].filter((character, at) => tokens.every((token) => token[at] === character));
      expect(inAll).toEqual([]);
    }
  });
});

describe('A worker', () => {
  it('is told who they are, and whom they walk with', async () => {
    const peer = await system.newWorker('peer', 'OrgR');
    const [first, second] = [await enrollP1(system, {}, peer.client), await enrollP1(system, {}, peer.client)];
    const both = [first.id, second.id].sort();
    const { viewer, participants } = await peer.client.query<{ viewer: Record<string, unknown>; participants: Connection }>(
      `query($atLeast: String) { participants(atLeast: $atLeast) ${page}
        viewer { id name role organization { id name } participants ${page} } }`);
    expect(viewer).toMatchObject({
      id: peer.memberId, role: 'peer', name: 'A peer of OrgR',
      organization: { id: peer.orgId, name: 'Riverside Recovery Center' },
    });
    expect(participants.totalCount).toBe(2);
    expect(participants.edges.map(({ node }) => node.id)).toEqual(both);
    expect((viewer.participants as Connection).edges.map(({ node }) => node.id)).toEqual(both);
    await second.person.mutate('removeTeamMember', { participantId: second.id, memberId: peer.memberId });
    const after = await peer.client.query<{ participants: Connection }>(
      `query($atLeast: String) { participants(first: 1, atLeast: $atLeast) ${page} }`);
    expect(after.participants)
      .toMatchObject({ totalCount: 1, edges: [{ node: { id: first.id } }], pageInfo: { hasNextPage: false } });
  });

  it('is shown to colleagues and to whom the team is open, and to nobody else', async () => {
    const story = await enrollP1(system);
    await story.grantTpo();
    await story.join('clinician');
    await story.grantHousing();
    const peer = system.dev.members.peer!.memberId;
    const worker = (viewer: Client) => fieldsOf(viewer, peer, 'Worker', 'id name role organization { name }');
    expect(await worker(story.person)).toEqual({
      id: peer, name: 'Sam Okafor', role: 'peer', organization: { name: 'Riverside Recovery Center' },
    });
    expect(await worker(as('clinician')))
      .toMatchObject({ name: 'Sam Okafor', organization: { name: 'Riverside Recovery Center' } });
    expect(await worker(as('supervisor'))).toMatchObject({ id: peer });
    for (const role of ['housing', 'employer', 'physician', 'auditor']) expect(await worker(as(role))).toBeNull();
    expect(await nodeOf(as('peer'), randomUUID())).toBeNull();
  });

  it('leads only to those on whose team the viewer may see them', async () => {
    const peer = await system.newWorker('peer', 'OrgR');
    const [shared, other] = [await enrollP1(system, {}, peer.client), await enrollP1(system, {}, peer.client)];
    await shared.grantTpo();
    await shared.join('physician');
    const reach = (viewer: Client) => fieldsOf(viewer, peer.memberId, 'Worker', `participants ${page}`);
    const only = ({ id }: Story) => ({ participants: { totalCount: 1, edges: [{ node: { id } }] } });
    expect(await reach(as('physician'))).toMatchObject(only(shared));
    expect(await reach(other.person)).toMatchObject(only(other));
    expect(await reach(as('housing'))).toBeNull();
  });

  it('of whatever role lists the persons they may see, and no others', async () => {
    const story = await enrollP1(system);
    const housing = await system.newWorker('housing', 'OrgH');
    const ids = async (viewer: Client) => (await viewer.query<{ participants: Connection }>(
      `query($atLeast: String) { participants(first: 100, atLeast: $atLeast) ${page} }`,
    )).participants.edges.map(({ node }) => node.id);
    const lists = async () => Promise.all([housing.client, story.person, as('supervisor'), story.family.client].map(
      async (viewer) => (await ids(viewer)).includes(story.id)));
    expect(await lists()).toEqual([false, true, true, false]);
    const consent = await story.grantHousing();
    await story.grant({
      kind: 'family', recipients: [{ memberId: story.family.memberId }], segments: ['team'], purposes: ['FAMRQT'],
      expiry: { event: 'I say so' },
    });
    expect(await lists()).toEqual([true, true, true, true]);
    await story.person.mutate('suspendConsent', { consentId: consent.id });
    expect(await lists()).toEqual([false, true, true, true]);
    expect(await ids(story.person)).toEqual([story.id]);
    for (const role of ['auditor', 'privacyOfficer', 'integrator']) expect(await ids(as(role))).toEqual([]);
  });
});

describe('A node', () => {
  it('is found by its id alone, under its own type', async () => {
    const story = await enrollP1(system);
    await story.grantTpo();
    const member = await story.join('clinician');
    const contact = await story.logContact();
    const note = await story.recordNote(as('clinician'));
    const consent = await story.grantHousing();
    const referral = await story.refer('housing', 'OrgH');
    const nodes: [string, string][] = [
      [story.id, 'Participant'], [member.id, 'CareTeamMember'], [contact.id, 'PeerContact'], [note.id, 'ClinicianNote'],
      [consent.id, 'Consent'], [referral.id, 'Referral'], [system.dev.members.peer!.memberId, 'Worker'],
    ];
    for (const [id, type] of nodes) expect(await nodeOf(story.person, id)).toEqual({ __typename: type, id });
    expect(new Set(nodes.map(([id]) => id)).size).toBe(nodes.length);
  });

  it('leads back to its person', async () => {
    const story = await enrollP1(system);
    const contact = await story.logContact({
      activities: ['coaching'], dimensions: ['home'], setting: 'home', continuumStage: 'recovery',
    });
    expect(await fieldsOf(as('peer'), contact.id, 'PeerContact', `participant { id preferredName } author { id name } modality
      setting continuumStage supportTypes activities dimensions goalIds coAuthored livedExperienceShared visibility`)).toEqual({
      participant: { id: story.id, preferredName: 'Jordan' },
      author: { id: system.dev.members.peer!.memberId, name: 'Sam Okafor' },
      modality: 'phone', setting: 'home', continuumStage: 'recovery', supportTypes: ['emotional'], activities: ['coaching'],
      dimensions: ['home'], goalIds: [], coAuthored: false, livedExperienceShared: false, visibility: 'personAndPeer',
    });
  });
});
