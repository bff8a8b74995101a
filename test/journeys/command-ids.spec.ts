import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import pg from 'pg';
import { parse, v5, validate } from 'uuid';
import { enrollP1, nodeOf, see, type Story } from '../support/story.js';
import { startSystem, type Client, type Payload, type TestSystem } from '../support/system.js';

let system: TestSystem;
let database: pg.Pool;
beforeAll(async () => {
  system = await startSystem();
  database = new pg.Pool({ connectionString: system.env['DATABASE_URL'], max: 1 });
  // Its server may be gone before it.
  database.on('error', () => undefined);
});
afterAll(async () => {
  await database?.end();
  expect(await system.stop()).toBe(0);
});

const sql = async <Row extends object>(text: string, ...values: unknown[]): Promise<Row[]> =>
  (await database.query<Row>(text, values)).rows;

const as = (role: string): Client => system.as(role);
const contact = ({ id, enrolledAt }: Story, change: Record<string, unknown> = {}) => ({
  participantId: id, startedAt: new Date(Date.parse(enrolledAt) - 3_600_000).toISOString(), endedAt: enrolledAt,
  modality: 'phone', supportTypes: ['emotional'], summary: 'A talk.', ...change,
});
/** Answered without waiting for the view to show it. */
const asked = (by: Client, name: string, input: Record<string, unknown>) => by.ask<Record<string, Payload | null>>(`
  mutation ($input: ${name[0]!.toUpperCase()}${name.slice(1)}Input!) {
    ${name}(input: $input) { id version position }
  }`, { input });
const codesOf = (answer: { errors?: { extensions: { code: string } }[] }) =>
  (answer.errors ?? []).map(({ extensions }) => extensions.code);

describe('A commandId', () => {
  it('used for two bodies at once serves one of them, and says so to the other', async () => {
    const story = await enrollP1(system);
    for (let round = 0; round < 5; round += 1) {
      const commandId = randomUUID();
      const answers = await Promise.all(['One talk.', 'Another talk.'].map((summary) =>
        asked(as('peer'), 'logPeerContact', { commandId, ...contact(story, { summary }) })));
      expect(answers.flatMap(codesOf)).toEqual(['IDEMPOTENCY_MISMATCH']);
      expect(answers.filter(({ data }) => data?.['logPeerContact'])).toHaveLength(1);
    }
  });

  it('is taken as soon as it was accepted, also for something in another record', async () => {
    const story = await enrollP1(system);
    for (let round = 0; round < 5; round += 1) {
      const commandId = randomUUID();
      await asked(as('peer'), 'draftConsent', { commandId, participantId: story.id });
      const again = await asked(as('peer'), 'draftReferral', {
        commandId, participantId: story.id, needCategory: 'housing', targetOrganizationId: system.dev.organizations.OrgH,
      });
      expect(codesOf(again)).toEqual(['IDEMPOTENCY_MISMATCH']);
    }
  });

  it('is answered as the first time to the same member in another role, however soon', async () => {
    const story = await enrollP1(system);
    const sub = `two-roles-${story.id}`;
    const token = (role: string) => system.token({ sub, role, org_id: system.dev.organizations.OrgR });
    const [peer, auditor] = [as(await token('peer')), as(await token('auditor'))];
    const input = { commandId: randomUUID(), preferredName: 'Kai', language: 'en' };
    const first = await asked(peer, 'enrollParticipant', input);
    expect(await asked(auditor, 'enrollParticipant', input)).toEqual(first);
    expect(codesOf(await asked(auditor, 'enrollParticipant', { ...input, commandId: randomUUID() }))).toEqual(['FORBIDDEN_ROLE']);
  });

  it('or a text that no store keeps as it is, is refused by the name of its field', async () => {
    const story = await enrollP1(system);
    const refused = async (change: Record<string, unknown>) =>
      as('peer').refused('logPeerContact', { commandId: randomUUID(), ...contact(story, change) });
    expect(await refused({ summary: 'half of a \ud83d' })).toEqual({ code: 'VALIDATION', fields: ['summary'] });
    expect(await refused({ summary: 'a\u0000b' })).toEqual({ code: 'VALIDATION', fields: ['summary'] });
    expect(await refused({ commandId: 'a\u0000b' })).toEqual({ code: 'VALIDATION', fields: ['commandId'] });
    expect(await refused({ occurredAt: '0000-06-01T00:00:00Z' })).toEqual({ code: 'VALIDATION', fields: ['occurredAt'] });
    expect(await refused({ occurredAt: 'yesterday', summary: ' ' }))
      .toEqual({ code: 'VALIDATION', fields: ['occurredAt', 'summary'] });
  });
});

describe('A commandId that is no UUID', () => {
  const words = 'maria gomez 12 april';
  const logged = async (text: string): Promise<number> => (await sql<{ count: number }>(
    "select count(*)::int as count from events.event where concat(metadata, data) like '%' || $1 || '%'", text))[0]!.count;

  it('lies nowhere in the log, and is known again', async () => {
    const story = await enrollP1(system);
    const input = { commandId: words, ...contact(story) };
    const first = await as('peer').mutate('logPeerContact', input);
    expect(await as('peer').mutate('logPeerContact', input)).toEqual(first);
    expect(await as('peer').refused('logPeerContact', { ...input, summary: 'Another talk.' }))
      .toEqual({ code: 'IDEMPOTENCY_MISMATCH' });
    expect((await see(story.person, story.id))!.contacts).toHaveLength(1);
    expect([await logged('gomez'), await logged(first.id)]).toEqual([0, 1]);
    const [ids] = await sql<Record<string, string>>(`select metadata ->> 'commandId' as "commandId",
      metadata ->> '$causationId' as cause from events.event where stream = 'peerContact-' || $1`, first.id);
    expect([validate(ids!['commandId']!), ids!['cause']]).toEqual([true, ids!['commandId']]);
  });

  it('is another member\'s another one, and tells nobody that both chose the same', async () => {
    const story = await enrollP1(system);
    const said = { commandId: 'good morning', participantId: story.id };
    const positions = [await as('peer').mutate('draftConsent', said), await story.person.mutate('draftConsent', said)];
    const streams = await sql<{ id: string }>(
      "select metadata ->> 'commandId' as id from events.event where stream = 'consent-' || $1", story.id);
    expect(new Set(positions.map(({ id }) => id)).size).toBe(2);
    expect(new Set(streams.map(({ id }) => id)).size).toBe(2);
  });

  it('is one that is, in capitals or not', async () => {
    const story = await enrollP1(system);
    const commandId = randomUUID();
    const first = await as('peer').mutate('logPeerContact', { commandId: commandId.toUpperCase(), ...contact(story) });
    expect(await as('peer').mutate('logPeerContact', { commandId, ...contact(story) })).toEqual(first);
    expect(await logged(commandId)).toBe(1);
  });
});

describe('The id of what a command makes', () => {
  /** What every release before keyed ids gave it: anybody could compute it. */
  const namespace = parse(v5('https://peerbridge.dev/ids', v5.URL));
  const computed = (memberId: string, commandId: string, index: number | string = 0): string =>
    v5(Buffer.from(`${memberId}/${commandId}/${index}`), namespace);

  it('is nobody\'s to compute: no contact can be made that has a person\'s own id', async () => {
    const { memberId } = system.dev.members.peer!;
    const commandId = randomUUID();
    const participantId = computed(memberId, commandId);
    const person = as(await system.token({
      sub: `person-${participantId}`, role: 'person', participant_id: participantId, org_id: system.dev.organizations.OrgR!,
    }));
    const enrolled = { participantId, preferredName: 'Kai', language: 'en', occurredAt: '2026-01-02T09:00:00.000Z' };
    await as('peer').mutate('enrollParticipant', enrolled);
    const { id } = await as('peer').mutate('logPeerContact', {
      commandId, participantId, startedAt: '2026-01-15T10:00:00.000Z', endedAt: '2026-01-15T10:30:00.000Z',
      modality: 'phone', supportTypes: ['emotional'], summary: 'A talk.',
    });
    expect(id).not.toBe(participantId);
    for (const viewer of [person, as('peer')]) {
      expect(await nodeOf(viewer, participantId)).toMatchObject({ __typename: 'Participant' });
      expect(await nodeOf(viewer, id)).toMatchObject({ __typename: 'PeerContact' });
    }
  });

  it('nor are those of what else a command makes, and of its events', async () => {
    const { memberId } = system.dev.members.peer!;
    const commandId = randomUUID();
    const { id } = await as('peer').mutate('enrollParticipant', { commandId, preferredName: 'Kai', language: 'en' });
    const draft = { commandId: randomUUID(), participantId: id };
    const drafted = await as('peer').mutate('draftConsent', draft);
    const made = [id, drafted.id, (await see(as('peer'), id))!.team[0]!.id];
    const rows = await sql<{ event_id: string; hash: string }>(
      "select event_id, metadata ->> 'bodyHash' as hash from events.event where metadata ->> 'participantId' = $1", id);
    const foreseen = [commandId, draft.commandId].flatMap((command) => [
      computed(memberId, command), computed(memberId, command, 'membership'),
      ...rows.map(({ hash }) => computed(memberId, command, `event/0/${hash}`)),
    ]);
    const all = [...made, ...rows.map(({ event_id }) => event_id)];
    expect(all).toHaveLength(5);
    expect(all.filter((one) => foreseen.includes(one))).toEqual([]);
  });
});

describe('An id chosen by the caller', () => {
  it('is taken whatever kind of thing has it, also what the caller may not see, and is refused alike', async () => {
    const story = await enrollP1(system);
    const consent = await story.grantTpo();
    const { participant } = await story.person.query<{ participant: { timeline: { edges: { node: { id: string } }[] } } }>(
      `query($id: ID!, $atLeast: String) { participant(id: $id, atLeast: $atLeast) {
        timeline(first: 1) { edges { node { id } } } } }`, { id: story.id });
    const event = participant.timeline.edges[0]!.node;
    const ids = [story.id, consent.id, event.id, system.dev.organizations.OrgH!, system.dev.members.peer!.memberId];
    const stranger = await system.newWorker('peer', 'OrgH');
    for (const participantId of ids) {
      const { message, extensions } = await stranger.client.refusal(
        'enrollParticipant', { participantId, preferredName: 'Kai', language: 'en' });
      expect({ message, extensions }).toEqual({ message: 'This id is taken.', extensions: { code: 'VERSION_CONFLICT' } });
    }
    for (const organizationId of [consent.id, story.id, event.id]) {
      expect(await as('privacyOfficer').refused('registerOrganization', { organizationId, name: 'Elsewhere' }))
        .toEqual({ code: 'VERSION_CONFLICT' });
    }
    await story.person.mutate('revokeConsent', { consentId: consent.id });
  });
});

describe('The version of a participant', () => {
  const version = async ({ person, id }: Story): Promise<number> => {
    const { participant } = await person.query<{ participant: { version: number } }>(
      'query ($id: ID!) { participant(id: $id) { version } }', { id });
    return participant.version;
  };

  it('counts what changes their own record, and is what outcomes and restrictions are asked at', async () => {
    const story = await enrollP1(system);
    const { peer } = system.dev.members;
    const worked = { participantId: story.id, status: 'partTime' };
    const { version: current } = await as('peer').mutate('changePreferences', { participantId: story.id, householdSize: 3 });
    expect(await as('peer').refused('recordEmploymentStatus', { ...worked, expectedVersion: current - 1 }))
      .toEqual({ code: 'VERSION_CONFLICT', actualVersion: current });
    const input = { ...worked, commandId: randomUUID(), expectedVersion: current };
    const recorded = await as('peer').mutate<{ participant: { version: number } }>(
      'recordEmploymentStatus', input, 'participant { version }');
    expect([recorded.version, recorded.participant.version, await version(story)]).toEqual([current, current, current]);
    const shutOut = { participantId: story.id, memberId: peer!.memberId };
    expect(await story.person.mutate('restrictWorker', { ...shutOut, expectedVersion: current }))
      .toMatchObject({ version: current });
    expect(await story.person.refused('liftRestriction', { ...shutOut, expectedVersion: -1 }))
      .toEqual({ code: 'VERSION_CONFLICT', actualVersion: current });
    await story.person.mutate('liftRestriction', shutOut);
    await as('peer').mutate('changePreferences', { participantId: story.id, householdSize: 4, expectedVersion: current });
    // A repeat is answered with the version of then.
    expect(await as('peer').mutate('recordEmploymentStatus', input)).toMatchObject({ id: recorded.id, version: current });
  });

  it('and that of the enrolling peer\'s membership can be expected from the first', async () => {
    const story = await enrollP1(system);
    const member = { participantId: story.id, memberId: system.dev.members.peer!.memberId };
    expect(await story.person.refused('removeTeamMember', { ...member, expectedVersion: 7 }))
      .toEqual({ code: 'VERSION_CONFLICT', actualVersion: 0 });
    await story.person.mutate('removeTeamMember', { ...member, expectedVersion: 0 });
  });
});

describe('The version of any other node', () => {
  it('counts the events of that node alone, and so nothing that was kept from who reads it', async () => {
    const story = await enrollP1(system);
    const { peer, person } = { peer: as('peer'), person: story.person };
    const need = { participantId: story.id, needCategory: 'food', targetOrganizationId: system.dev.organizations.OrgO };
    for (const _ of [1, 2, 3]) await person.mutate('draftReferral', need);
    const draft = await peer.mutate<{ referral: { version: number } }>('draftReferral', need, 'referral { version }');
    expect([draft.version, draft.referral.version]).toEqual([0, 0]);
    const [one, other] = [await peer.mutate('draftConsent', { participantId: story.id }),
      await peer.mutate('draftConsent', { participantId: story.id })];
    expect([one.version, other.version]).toEqual([0, 0]);
    expect(await peer.refused('withdrawReferral', { referralId: draft.id, reason: 'A slip.', expectedVersion: 3 }))
      .toEqual({ code: 'VERSION_CONFLICT', actualVersion: 0 });
    const withdrawal = { referralId: draft.id, reason: 'A slip.', expectedVersion: 0 };
    const withdrawn = await peer.mutate('withdrawReferral', withdrawal, 'referral { version }');
    expect(withdrawn).toMatchObject({ version: 1, referral: { version: 1 } });
  });
});

describe('A revocation recorded by a worker', () => {
  it('is in writing, before anything is looked up', async () => {
    expect(await as('housing').refused('revokeConsent', { consentId: randomUUID() }))
      .toEqual({ code: 'VALIDATION', fields: ['artifactHash'] });
  });
});

describe('A command sent again', () => {
  it('is the same with a default or without, and with a time\'s milliseconds or without', async () => {
    const story = await enrollP1(system, { occurredAt: '2026-01-02T09:00:00.000Z' });
    const startedAt = '2026-01-15T10:00:00.000Z';
    const input = { commandId: randomUUID(), ...contact(story, { startedAt }) };
    const first = await as('peer').mutate('logPeerContact', input);
    const written = { ...input, startedAt: '2026-01-15T11:00:00+01:00', coAuthored: false, visibility: 'personAndPeer' };
    expect(await as('peer').mutate('logPeerContact', written)).toEqual(first);
  });
});

describe('What an earlier release recorded, under the commandId as it was sent', () => {
  it('is known again by it', async () => {
    const story = await enrollP1(system);
    const commandOf = (what: string) => `${what} of ${story.id}`;
    const sent: [name: string, input: Record<string, unknown>][] = [
      ['logPeerContact', { commandId: commandOf('contact'), ...contact(story) }],
      ['draftConsent', { commandId: commandOf('draft'), participantId: story.id }],
      ['enrollParticipant', { commandId: commandOf('enrollment'), preferredName: 'Kai', language: 'en' }],
      ['logPeerContact', { commandId: randomUUID().toUpperCase(), ...contact(story) }],
    ];
    const first: Payload[] = [];
    for (const [name, input] of sent) {
      // Its ids are made of another commandId than the one that is sent again, as they were then.
      first.push(await as('peer').mutate(name, { ...input, commandId: randomUUID() }));
      const [{ position }] = await sql<{ position: string }>('select max(position) as position from events.event') as [never];
      await sql(`update events.event set metadata = (metadata::jsonb - 'commandIndex' ||
        jsonb_build_object('commandId', $2::text, '$causationId', $2::text))::json where position = $1`,
      position, input['commandId']);
    }
    await system.kill();
    const made = await sql<{ name: string }>("select nspname as name from pg_namespace where nspname ~ '^view_v|^runtime$'");
    for (const { name } of made) await sql(`drop schema ${name} cascade`);
    await system.restart();
    for (const [nth, [name, input]] of sent.entries()) {
      expect(await as('peer').mutate(name, input)).toEqual(first[nth]);
      expect(await as('peer').refused(name, { ...input, occurredAt: '2026-01-02T09:00:00.000Z' }))
        .toEqual({ code: 'IDEMPOTENCY_MISMATCH' });
    }
    expect((await see(story.person, story.id))!.contacts).toHaveLength(2);
  });
});
