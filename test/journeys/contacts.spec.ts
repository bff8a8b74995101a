import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { enrollP1, fieldsOf, later, nodeOf, see, type Story } from '../support/story.js';
import { startSystem, type Client, type TestSystem } from '../support/system.js';

let system: TestSystem;
beforeAll(async () => { system = await startSystem(); });
afterAll(async () => { expect(await system.stop()).toBe(0); });

const as = (role: string): Client => system.as(role);
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/** An hour that began so many days after the enrollment, or before it. */
const hour = ({ id, enrolledAt }: Story, days: number, summary = `Day ${days}`) => ({
  participantId: id, startedAt: later(enrolledAt, days * DAY_MS), endedAt: later(enrolledAt, days * DAY_MS + HOUR_MS),
  modality: 'inPerson', supportTypes: ['emotional'], summary,
});
const contactSeen = (viewer: Client, id: string, fields: string) => fieldsOf(viewer, id, 'PeerContact', fields);
const summariesOf = async (viewer: Client, story: Story) => (await see(viewer, story.id))?.contacts.map(({ summary }) => summary);

/** A person who was enrolled on paper so many days ago. `enrolledAt` is that time. */
async function enrolledLongAgo(days: number): Promise<Story> {
  const occurredAt = later(new Date().toISOString(), -days * DAY_MS);
  return { ...await enrollP1(system, { occurredAt }), enrolledAt: occurredAt };
}

describe('Contacts', () => {
  it('are listed by when they took place, newest first, however late they were written down', async () => {
    const story = await enrolledLongAgo(100);
    for (const days of [50, 10, 90, 30]) await as('peer').mutate('logPeerContact', hour(story, days));
    expect(await summariesOf(story.person, story)).toEqual(['Day 90', 'Day 50', 'Day 30', 'Day 10']);
    const { participant } = await story.person.query<{ participant: { contacts: { pageInfo: { endCursor: string } } } }>(
      'query($id: ID!) { participant(id: $id) { contacts(first: 2) { pageInfo { endCursor } } } }', { id: story.id });
    const next = await story.person.query<{ participant: { contacts: { edges: { node: { summary: string } }[] } } }>(
      `query($id: ID!, $after: String) { participant(id: $id) { contacts(first: 9, after: $after) {
        edges { node { summary } } } } }`, { id: story.id, after: participant.contacts.pageInfo.endCursor });
    expect(next.participant.contacts.edges.map(({ node }) => node.summary)).toEqual(['Day 30', 'Day 10']);
  });

  it('occurred when they started, where nothing else is said', async () => {
    const story = await enrolledLongAgo(100);
    const told = hour(story, 40);
    await as('peer').mutate('logPeerContact', told);
    const occurredAt = later(story.enrolledAt, 41 * DAY_MS);
    await as('peer').mutate('logPeerContact', { ...told, occurredAt });
    const { timeline } = (await see(story.person, story.id))!;
    expect(timeline.filter(({ type }) => type === 'PeerContactLogged').map((entry) => entry.occurredAt))
      .toEqual([occurredAt, told.startedAt]);
  });
});

describe('Late entry of a contact', () => {
  it('is for who was on the team when it took place, by when they joined and not by when that was written down', async () => {
    const story = await enrolledLongAgo(100);
    const peer = await system.newWorker('peer', 'OrgR');
    await story.person.mutate('inviteTeamMember', {
      participantId: story.id, memberId: peer.memberId, role: 'peer', organizationId: peer.orgId,
    });
    await peer.client.mutate('joinCareTeam', { participantId: story.id, occurredAt: later(story.enrolledAt, 50 * DAY_MS) });
    await peer.client.mutate('logPeerContact', hour(story, 60));
    expect(await peer.client.refused('logPeerContact', hour(story, 40))).toEqual({ code: 'VALIDATION', fields: ['startedAt'] });
    const occurredAt = later(story.enrolledAt, 40 * DAY_MS);
    expect(await peer.client.refused('logPeerContact', { ...hour(story, 60), occurredAt }))
      .toEqual({ code: 'VALIDATION', fields: ['occurredAt'] });
    // The enrolling peer was there from the beginning.
    await as('peer').mutate('logPeerContact', hour(story, 40));
  });

  it('is of no time before the enrollment, but for the meeting that led to it', async () => {
    const story = await enrolledLongAgo(10);
    expect(await as('peer').refused('logPeerContact', hour(story, -3))).toEqual({ code: 'VALIDATION', fields: ['startedAt'] });
    await as('peer').mutate('logPeerContact', hour(story, -1));
    await as('peer').mutate('logPeerContact', { ...hour(story, -1), occurredAt: later(story.enrolledAt, -DAY_MS / 2) });
  });
});

describe('The author of a contact', () => {
  it('amends it, and leaves the rest as it was', async () => {
    const story = await enrolledLongAgo(100);
    const { id } = await as('peer').mutate('logPeerContact', {
      ...hour(story, 40), setting: 'jail', activities: ['coaching'], narrative: 'Long.',
    });
    const startedAt = later(story.enrolledAt, 40 * DAY_MS + HOUR_MS / 2);
    const amended = await as('peer').mutate<{ version: number; peerContact: object }>('amendPeerContact', {
      contactId: id, expectedVersion: 0, startedAt, setting: 'court', summary: 'What it was.',
    }, 'peerContact { startedAt setting summary }');
    expect(amended).toMatchObject({ id, version: 1, peerContact: { startedAt, setting: 'court', summary: 'What it was.' } });
    expect(await contactSeen(story.person, id, 'startedAt endedAt setting activities summary narrative visibility')).toEqual({
      startedAt, endedAt: later(story.enrolledAt, 40 * DAY_MS + HOUR_MS), setting: 'court', activities: ['coaching'],
      summary: 'What it was.', narrative: 'Long.', visibility: 'personAndPeer',
    });
    await as('peer').mutate('amendPeerContact', { contactId: id, narrative: null, summary: null });
    expect(await contactSeen(story.person, id, 'summary narrative')).toEqual({ summary: 'What it was.', narrative: null });
    expect(await as('peer').refused('amendPeerContact', { contactId: id, startedAt: later(story.enrolledAt, 41 * DAY_MS) }))
      .toEqual({ code: 'VALIDATION', fields: ['startedAt'] });
  });

  it('moves it to its place in the list by amending when it started', async () => {
    const story = await enrolledLongAgo(100);
    const { id } = await as('peer').mutate('logPeerContact', hour(story, 10, 'moved'));
    await as('peer').mutate('logPeerContact', hour(story, 20));
    const { startedAt, endedAt } = hour(story, 30);
    await as('peer').mutate('amendPeerContact', { contactId: id, startedAt, endedAt });
    expect(await summariesOf(story.person, story)).toEqual(['moved', 'Day 20']);
  });

  it('amends and strikes it out also after they left the team; nobody else does', async () => {
    const story = await enrolledLongAgo(100);
    const peer = await system.newWorker('peer', 'OrgR');
    await story.join(peer);
    const { id } = await peer.client.mutate('logPeerContact', {
      ...hour(story, 0), startedAt: new Date().toISOString(), endedAt: new Date().toISOString(), modality: 'text',
    });
    await story.person.mutate('removeTeamMember', { participantId: story.id, memberId: peer.memberId });
    await peer.client.mutate('amendPeerContact', { contactId: id, summary: 'As I remember it.' });
    // Between the two of them: the program's other peer does not know of it.
    expect(await as('peer').refused('amendPeerContact', { contactId: id, summary: 'x' })).toEqual({ code: 'NOT_FOUND' });
    expect(await story.person.refused('amendPeerContact', { contactId: id, summary: 'x' })).toEqual({ code: 'FORBIDDEN_ROLE' });
    await peer.client.mutate('markContactEnteredInError', { contactId: id, reason: 'Somebody else.' });
    expect(await contactSeen(story.person, id, 'summary enteredInError'))
      .toEqual({ summary: 'As I remember it.', enteredInError: true });
  });

  it('sees it as they wrote it once they have left, and not whom the person has opened it to', async () => {
    const story = await enrolledLongAgo(100);
    const peer = await system.newWorker('peer', 'OrgR');
    await story.join(peer);
    const now = new Date().toISOString();
    const text = { ...hour(story, 0), startedAt: now, endedAt: now, modality: 'text' };
    const { id } = await peer.client.mutate('logPeerContact', text);
    await story.person.mutate('setContactVisibility', { contactId: id, visibility: 'team' });
    expect(await contactSeen(peer.client, id, 'version visibility')).toEqual({ version: 1, visibility: 'team' });
    await story.person.mutate('removeTeamMember', { participantId: story.id, memberId: peer.memberId });
    expect(await contactSeen(peer.client, id, 'version visibility')).toEqual({ version: 0, visibility: 'personAndPeer' });
    expect(await contactSeen(story.person, id, 'version visibility')).toEqual({ version: 1, visibility: 'team' });
    // They correct what they see, as of when they see it.
    expect(await peer.client.refused('amendPeerContact', { contactId: id, summary: 'As I know it.', expectedVersion: 1 }))
      .toEqual({ code: 'VERSION_CONFLICT', actualVersion: 0 });
    await peer.client.mutate('amendPeerContact', { contactId: id, summary: 'As I know it.', expectedVersion: 0 });
    expect(await contactSeen(peer.client, id, 'version visibility')).toEqual({ version: 2, visibility: 'personAndPeer' });
  });

  it('reads in the story, once they have left, of their own acts on it and of nobody else\'s', async () => {
    const story = await enrolledLongAgo(100);
    const peer = await system.newWorker('peer', 'OrgC');
    await story.join(peer);
    const now = new Date().toISOString();
    const text = { ...hour(story, 0), startedAt: now, endedAt: now, modality: 'text' };
    const { id } = await peer.client.mutate('logPeerContact', text);
    await story.person.mutate('setContactVisibility', { contactId: id, visibility: 'team' });
    // The person lets them see something still, as one to whom they were referred.
    await story.grant({
      kind: 'named', recipients: [{ orgId: peer.orgId }], segments: ['housing'], purposes: ['COC'],
      expiry: { at: later(now, DAY_MS) },
    });
    await story.refer('housing', 'OrgC');
    const ofContact = async (viewer: Client) => (await see(viewer, story.id))!.timeline
      .filter(({ node }) => node?.id === id).map(({ type }) => type).sort();
    expect(await ofContact(peer.client)).toEqual(['ContactVisibilitySet', 'PeerContactLogged']);
    await story.person.mutate('removeTeamMember', { participantId: story.id, memberId: peer.memberId });
    expect(await ofContact(peer.client)).toEqual(['PeerContactLogged']);
    expect(await ofContact(story.person)).toEqual(['ContactVisibilitySet', 'PeerContactLogged']);
  });

  it('strikes it out: it stays for the two of them, marked, and is gone for everybody else', async () => {
    const story = await enrolledLongAgo(100);
    await story.grantTpo();
    await story.join('clinician');
    const told = { ...hour(story, 40), coAuthored: true, visibility: 'team' };
    const { id } = await as('peer').mutate('logPeerContact', told);
    await as('peer').mutate('logPeerContact', { ...told, summary: 'stays' });
    for (const viewer of [as('clinician'), as('supervisor')]) expect((await see(viewer, story.id))!.contacts).toHaveLength(2);
    const struckOut = await as('peer').mutate('markContactEnteredInError', { contactId: id, reason: 'Somebody else.' },
      'peerContact { enteredInError }');
    expect(struckOut).toMatchObject({ peerContact: { enteredInError: true } });
    for (const viewer of [as('clinician'), as('supervisor')]) {
      const seen = (await see(viewer, story.id))!;
      expect(seen.contacts.map(({ summary }) => summary)).toEqual(['stays']);
      expect(seen.timeline.filter(({ type }) => /Contact/.test(type)).map(({ type }) => type)).toEqual(['PeerContactLogged']);
      expect(await nodeOf(viewer, id)).toBeNull();
    }
    for (const viewer of [as('peer'), story.person]) {
      expect((await see(viewer, story.id))!.contacts).toHaveLength(2);
      expect(await contactSeen(viewer, id, 'enteredInError')).toEqual({ enteredInError: true });
    }
    expect(await story.person.refused('setContactVisibility', { contactId: id, visibility: 'team' }))
      .toEqual({ code: 'INVALID_TRANSITION', state: 'enteredInError' });
    expect(await as('peer').refused('amendPeerContact', { contactId: id, summary: 'x' }))
      .toEqual({ code: 'INVALID_TRANSITION', state: 'enteredInError' });
    expect(await as('peer').refused('markContactEnteredInError', { contactId: randomUUID(), reason: 'x' }))
      .toEqual({ code: 'NOT_FOUND' });
  });
});
