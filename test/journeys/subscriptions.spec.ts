import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import WebSocket from 'ws';
import { enrollP1, type Story } from '../support/story.js';
import { startSystem, type Client, type Subscription, type TestSystem } from '../support/system.js';

let system: TestSystem;
beforeAll(async () => { system = await startSystem(); });
afterAll(async () => { expect(await system.stop()).toBe(0); });

interface Added {
  timelineEntryAdded: { type: string; node: { id: string } | null };
}
const as = (role: string): Client => system.as(role);
const follow = (viewer: Client, id: string): Promise<Subscription<Added>> =>
  viewer.subscribe('subscription($id: ID!) { timelineEntryAdded(participantId: $id) { id type node { id } } }', { id });
const types = ({ received }: Subscription<Added>): string[] => received.map(({ timelineEntryAdded: { type } }) => type);

/** What the person has been shown is with everyone who may be shown it, or soon: give the others the time it took. */
async function settled(witness: Subscription<Added>, count: number, ...others: Subscription<Added>[]): Promise<void> {
  await witness.arrived(count);
  for (let round = 0; round < 3; round += 1) await Promise.all(others.map((other) => other.roundTrip()));
}

describe('A subscription to a person\'s story', () => {
  it('brings what is added, in the order it was recorded, once, each entry as its viewer may see it', async () => {
    const story = await enrollP1(system);
    await story.grantTpo();
    await story.join('clinician');
    await story.logContact();
    const [mine, clinicians] = [await follow(story.person, story.id), await follow(as('clinician'), story.id)];
    const between = await story.logContact();
    const open = await story.logContact({ coAuthored: true, visibility: 'team' });
    const note = await story.recordNote(as('clinician'));
    expect((await mine.arrived(3)).map(({ timelineEntryAdded: { node } }) => node?.id)).toEqual([between.id, open.id, note.id]);
    expect((await clinicians.arrived(2)).map(({ timelineEntryAdded: { node } }) => node?.id)).toEqual([open.id, note.id]);
    expect([...mine.errors, ...clinicians.errors]).toEqual([]);
    await Promise.all([mine.close(), clinicians.close()]);
  });

  it('brings nothing after the consent\'s revocation was acknowledged, and stays open (5)', async () => {
    const story = await enrollP1(system);
    const consent = await story.grantHousing();
    const referral = await story.refer('housing', 'OrgH');
    const [mine, housing] = [await follow(story.person, story.id), await follow(as('housing'), story.id)];
    await as('housing').mutate('acceptReferral', { referralId: referral.id });
    await housing.arrived(1);
    await story.person.mutate('revokeConsent', { consentId: consent.id });
    const before = await housing.soFar();
    await as('peer').mutate('withdrawReferral', { referralId: referral.id, reason: 'Not now' });
    await as('peer').mutate('changePreferences', { participantId: story.id, householdSize: 3 });
    await settled(mine, 4, housing);
    expect({ received: types(housing).slice(before), errors: housing.errors, ended: housing.ended })
      .toEqual({ received: [], errors: [], ended: false });

    // What was withheld stays withheld: a fresh grant opens what is written from then on.
    await story.grantHousing();
    const fresh = await story.refer('housing', 'OrgH');
    const later = (await housing.arrived(before + 1)).slice(before);
    expect(new Set(later.map(({ timelineEntryAdded: { node } }) => node?.id))).toEqual(new Set([fresh.id]));
    await Promise.all([mine.close(), housing.close()]);
  });

  it.each<[string, (story: Story, consentId: string) => Promise<unknown>]>([
    ['suspended', (_story, consentId) => as('peer').mutate('suspendConsent', { consentId })],
    ['narrowed', ({ person }, consentId) => person.mutate('narrowConsent', { consentId, segments: ['identity'] })],
  ])('brings nothing once the consent was %s', async (_how, withdraw) => {
    const story = await enrollP1(system);
    const consent = await story.grantHousing();
    const referral = await story.refer('housing', 'OrgH');
    const [mine, housing] = [await follow(story.person, story.id), await follow(as('housing'), story.id)];
    await withdraw(story, consent.id);
    const before = await housing.soFar();
    await as('peer').mutate('withdrawReferral', { referralId: referral.id, reason: 'Not now' });
    await settled(mine, 2, housing);
    expect(types(housing).slice(before)).toEqual([]);
    await Promise.all([mine.close(), housing.close()]);
  });

  it.each(['restrictWorker', 'removeTeamMember'])('brings nothing once the person answered with %s', async (name) => {
    const story = await enrollP1(system);
    const peer = await system.newWorker('peer', 'OrgR');
    await story.join(peer);
    const [mine, theirs] = [await follow(story.person, story.id), await follow(peer.client, story.id)];
    await story.logContact({ coAuthored: true, visibility: 'team' });
    await theirs.arrived(1);
    await story.person.mutate(name, { participantId: story.id, memberId: peer.memberId });
    const before = await theirs.soFar();
    await story.logContact({ coAuthored: true, visibility: 'team' });
    await as('peer').mutate('recordEmploymentStatus', { participantId: story.id, status: 'fullTime' });
    await settled(mine, 4, theirs);
    expect(types(theirs).slice(before)).toEqual([]);
    await Promise.all([mine.close(), theirs.close()]);
  });

  it('is open and silent for the unknown and the denied alike', async () => {
    const story = await enrollP1(system);
    const mine = await follow(story.person, story.id);
    const others = [
      await follow(as('employer'), story.id), await follow(as('employer'), randomUUID()), await follow(as('auditor'), story.id),
      await follow(as('employer'), 'not an id'), await follow(as('clinician'), story.id),
    ];
    await story.logContact({ coAuthored: true, visibility: 'team' });
    await as('peer').mutate('recordEmploymentStatus', { participantId: story.id, status: 'fullTime' });
    await settled(mine, 2, ...others);
    for (const { received, errors, ended } of others) {
      expect({ received, errors, ended }).toEqual({ received: [], errors: [], ended: false });
    }
    await Promise.all([mine, ...others].map((subscription) => subscription.close()));
  });

  it('begins to bring when a consent begins to permit', async () => {
    const story = await enrollP1(system);
    const employer = await follow(as('employer'), story.id);
    await as('peer').mutate('recordEmploymentStatus', { participantId: story.id, status: 'lookingForWork' });
    await story.grantEmployment();
    await as('peer').mutate('recordEmploymentStatus', { participantId: story.id, status: 'fullTime' });
    expect((await employer.arrived(1)).map(({ timelineEntryAdded: { type } }) => type)).toEqual(['EmploymentStatusRecorded']);
    await employer.close();
  });
});

describe('A subscription that was interrupted', () => {
  const query = `subscription($id: ID!, $after: String) {
    timelineEntryAdded(participantId: $id, after: $after) { position type node { id } } }`;
  interface Placed {
    timelineEntryAdded: { position: string; node: { id: string } | null };
  }
  const nodes = (received: Placed[]): (string | undefined)[] => received.map(({ timelineEntryAdded: { node } }) => node?.id);

  it('goes on after the last entry that arrived: history first, then live, nothing missing and nothing twice', async () => {
    const story = await enrollP1(system);
    const contacts = [];
    const first = await story.person.subscribe<Placed>(query, { id: story.id });
    for (let nth = 0; nth < 3; nth += 1) contacts.push((await story.logContact()).id);
    const { position } = (await first.arrived(3))[1]!.timelineEntryAdded;
    await first.close();
    for (let nth = 0; nth < 60; nth += 1) contacts.push((await story.logContact()).id);
    const again = await story.person.subscribe<Placed>(query, { id: story.id.toUpperCase(), after: position });
    for (let nth = 0; nth < 3; nth += 1) contacts.push((await story.logContact()).id);
    expect(nodes(await again.arrived(contacts.length - 2))).toEqual(contacts.slice(2));
    await again.close();
  });

  it('goes on after a command, whose position is one', async () => {
    const story = await enrollP1(system);
    const { position } = await story.logContact();
    const { id } = await story.logContact();
    const mine = await story.person.subscribe<Placed>(query, { id: story.id, after: position });
    expect(nodes(await mine.arrived(1))).toEqual([id]);
    await mine.close();
  });

  it('is told of a position that is none, was never given out, or belongs elsewhere, whoever it is about', async () => {
    const story = await enrollP1(system);
    const { position } = await story.logContact();
    for (const id of [story.id, randomUUID()]) {
      for (const after of ['', 'x', `${position}0`, position.toLowerCase(), 'pg00000000.00000000000000000001']) {
        const refused = await as('peer').subscribe(query, { id, after });
        await refused.roundTrip();
        expect(refused.errors).toMatchObject([{ extensions: { code: 'VALIDATION', fields: ['after'] } }]);
        await refused.close();
      }
    }
  });
});

describe('A socket', () => {
  const closeCodeOf = async (authorization: unknown): Promise<number> => {
    const socket = new WebSocket(system.dev.subscriptions, 'graphql-transport-ws');
    await once(socket, 'open');
    socket.send(JSON.stringify({ type: 'connection_init', ...authorization !== undefined && { payload: { authorization } } }));
    const [code] = await once(socket, 'close') as [number];
    return code;
  };

  it('is closed to who brings no valid token', async () => {
    const expired = await system.token({
      sub: 'late', role: 'peer', org_id: system.dev.organizations.OrgR!, exp: Math.floor(Date.now() / 1000) - 3600,
    });
    for (const authorization of [undefined, '', 'Bearer', 'Bearer x.y.z', as('peer').token, `Bearer ${expired}`]) {
      expect([4401, 4403]).toContain(await closeCodeOf(authorization));
    }
  });

  it('takes no subscription before the token, and no cookie for one', async () => {
    const socket = new WebSocket(system.dev.subscriptions, 'graphql-transport-ws', {
      headers: { cookie: `token=${as('peer').token}`, authorization: `Bearer ${as('peer').token}` },
    });
    await once(socket, 'open');
    socket.send(JSON.stringify({ id: '1', type: 'subscribe', payload: { query: '{ viewer { id } }' } }));
    const [code] = await once(socket, 'close') as [number];
    expect(code).toBe(4401);
  });
});
