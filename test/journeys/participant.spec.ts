import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { openDatabase } from '@peerbridge/platform';
import { enrollP1, fieldsOf, later, see, type Story } from '../support/story.js';
import { startSystem, type Client, type TestSystem } from '../support/system.js';

let system: TestSystem;
beforeAll(async () => { system = await startSystem(); });
afterAll(async () => { expect(await system.stop()).toBe(0); });

const as = (role: string): Client => system.as(role);
const typesOf = async (viewer: Client, { id }: Story) => (await see(viewer, id))!.timeline.map(({ type }) => type);

describe('What a worker is called', () => {
  const named = async (sub: string, name: string, exp?: number) => system.as(await system.token({
    sub, role: 'peer', org_id: system.dev.organizations.OrgR, name, ...exp && { exp },
  }));
  const namesSeen = async (viewer: Client, story: Story) => (await see(viewer, story.id))!.team.map(({ worker }) => worker!.name);
  const inAnHour = Math.floor(Date.now() / 1000) + 3_600;

  it('is what their last token says, wherever they are named, and not what their first one said', async () => {
    const sub = `peer-${randomUUID()}`;
    const before = await named(sub, 'Alex Winter', inAnHour);
    const story = await enrollP1(system, {}, before);
    const contact = await story.logContact();
    expect(await namesSeen(story.person, story)).toEqual(['Alex Winter']);
    const since = await named(sub, 'Alex Summer', inAnHour + 60);
    expect(await since.query('{ viewer { name } }')).toEqual({ viewer: { name: 'Alex Summer' } });
    for (const viewer of [story.person, as('supervisor')]) expect(await namesSeen(viewer, story)).toEqual(['Alex Summer']);
    expect(await fieldsOf(story.person, contact.id, 'PeerContact', 'author { name }'))
      .toEqual({ author: { name: 'Alex Summer' } });
    // An earlier token that is still good says nothing new.
    const earlier = await named(sub, 'Alex Winter', inAnHour + 1);
    await earlier.query('{ viewer { name } }');
    expect(await namesSeen(story.person, story)).toEqual(['Alex Summer']);
  });

  it('names nobody whom the team does not know, and lies nowhere in the clear', async () => {
    const story = await enrollP1(system);
    await story.grantHousing();
    const referral = await story.refer('housing', 'OrgH');
    await as('housing').mutate('acceptReferral', { referralId: referral.id });
    const { participant } = await story.person.query<{ participant: { timeline: { edges: { node: object }[] } } }>(
      `query($id: ID!, $atLeast: String) { participant(id: $id, atLeast: $atLeast) {
        timeline(first: 1) { edges { node { type actor { role name } } } } } }`, { id: story.id });
    expect(participant.timeline.edges.map(({ node }) => node))
      .toEqual([{ type: 'ReferralAccepted', actor: { role: 'housing', name: null } }]);
    const database = await openDatabase({ databaseUrl: system.env['DATABASE_URL'], dataDir: '', applicationName: 'names' });
    const { rows } = await database.pool.query<{ row: string }>(
      'SELECT to_jsonb(one)::text AS row FROM runtime.member_name AS one');
    await database.close();
    expect(rows.length).toBeGreaterThan(0);
    expect(rows.filter(({ row }) => /Okafor|Winter|Summer/.test(row))).toEqual([]);
  });
});

describe('What is known of a person', () => {
  it('is taken out by null, where there may be nothing', async () => {
    const story = await enrollP1(system);
    const { version } = await as('peer').mutate('changePreferences', {
      participantId: story.id, safeContact: null, accessibility: null, householdSize: null,
    });
    expect(await see(as('peer'), story.id)).toMatchObject({
      version, safeContact: null, accessibility: null, householdSize: null, contact: { phone: '555-0100' },
    });
    await story.person.mutate('changePreferences', { participantId: story.id, accessibility: 'Elevator' });
    expect(await see(as('peer'), story.id)).toMatchObject({ safeContact: null, accessibility: 'Elevator', householdSize: null });
  });

  it('is corrected by the person, their peer and their program, and told so in the story', async () => {
    const story = await enrollP1(system);
    const of = (fields: object) => ({ participantId: story.id, ...fields });
    await as('peer').mutate('correctParticipant', of({ preferredName: 'Jordyn', birthDate: '1990-04' }));
    await as('supervisor').mutate('correctParticipant', of({ legalName: 'Jordan Riviera', language: 'es' }));
    const corrected = { preferredName: 'Jordyn', legalName: 'Jordan Riviera', birthDate: '1990-04', language: 'es' };
    expect(await see(as('peer'), story.id)).toMatchObject({ version: 2, ...corrected, householdSize: 2 });
    await story.person.mutate('correctParticipant', of({ legalName: null, birthDate: null }));
    expect(await see(as('supervisor'), story.id)).toMatchObject({ ...corrected, legalName: null, birthDate: null });
    expect((await typesOf(story.person, story)).filter((type) => type === 'ParticipantCorrected')).toHaveLength(3);
    // They sign by the name that they have.
    const terms = {
      kind: 'named', recipients: [{ orgId: system.dev.organizations.OrgH }], segments: ['housing'], purposes: ['COC'],
      expiry: { at: later(story.enrolledAt, 86_400_000) },
    };
    await story.grant({ ...terms, signature: { method: 'typed', signer: 'jordyn', capacity: 'self' } });
  });

  it('is corrected by nobody else, though they read it', async () => {
    const story = await enrollP1(system);
    const outside = await system.newWorker('peer', 'OrgC');
    await story.join(outside);
    await story.grant({
      kind: 'named', recipients: [{ memberId: outside.memberId }], segments: ['identity'], purposes: ['COC'],
      expiry: { at: later(story.enrolledAt, 86_400_000) },
    });
    const input = { participantId: story.id, language: 'fr' };
    expect(await outside.client.refused('correctParticipant', input)).toEqual({ code: 'FORBIDDEN_ROLE' });
    expect(await as('clinician').refused('correctParticipant', input)).toEqual({ code: 'FORBIDDEN_ROLE' });
    const colleague = await system.newWorker('peer', 'OrgR');
    expect(await colleague.client.refused('correctParticipant', input)).toEqual({ code: 'NOT_FOUND' });
    expect(await see(story.person, story.id)).toMatchObject({ version: 0, language: 'en' });
  });

  it('of a birth date, is as much as is known', async () => {
    for (const birthDate of ['1980', '1980-05', '1980-05-17']) {
      const story = await enrollP1(system, { birthDate });
      expect(await fieldsOf(as('peer'), story.id, 'Participant', 'birthDate')).toEqual({ birthDate });
    }
    expect(await as('peer').refused('enrollParticipant', { preferredName: 'Jo', language: 'en', birthDate: '1980-13' }))
      .toEqual({ code: 'VALIDATION', fields: ['birthDate'] });
  });
});
