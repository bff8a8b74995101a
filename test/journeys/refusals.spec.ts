import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { enrollP1, later, see, type Story } from '../support/story.js';
import { startSystem, type Client, type TestSystem, type Worker } from '../support/system.js';

let system: TestSystem;
beforeAll(async () => { system = await startSystem(); });
afterAll(async () => { expect(await system.stop()).toBe(0); });

const as = (role: string): Client => system.as(role);

/** The whole of each refusal, which of its kind there is but one. */
async function refusals(client: Client, asked: readonly (readonly [string, object])[]): Promise<unknown> {
  const all = await Promise.all(asked.map(([name, input]) => client.refusal(name, input as Record<string, unknown>)));
  const [first, ...others] = all.map(({ message, extensions }) => ({ message, extensions }));
  for (const other of others) expect(other).toEqual(first);
  return first!.extensions;
}

describe('A change of the team is refused alike, whoever is named', () => {
  let story: Story;
  let outside: Worker;
  let clinician: Worker;
  /** Of the team, and of nobody on it. */
  let named: string[];
  beforeAll(async () => {
    story = await enrollP1(system);
    [outside, clinician] = await Promise.all([system.newWorker('peer', 'OrgC'), system.newWorker('clinician', 'OrgC')]);
    await story.join(outside);
    await story.join(clinician);
    await story.grantTpo();
    named = [system.dev.members.peer!.memberId, clinician.memberId, outside.memberId, randomUUID()];
  });

  const changes = (participantId: string) => named.flatMap((memberId) => [
    ['removeTeamMember', { participantId, memberId }],
    ['inviteTeamMember', { participantId, memberId, role: 'clinician', organizationId: system.dev.organizations.OrgC }],
  ] as const);

  it('to a peer from outside, on the team, by whom the primary peer is not removed', async () => {
    await story.grant({
      kind: 'named', recipients: [{ orgId: outside.orgId }], segments: ['housing'], purposes: ['COC'],
      expiry: { at: later(story.enrolledAt, 86_400_000) },
    });
    expect((await see(outside.client, story.id))!.team).toEqual([]);
    for (const [name, input] of changes(story.id)) {
      expect(await refusals(outside.client, [[name, input]])).toEqual({ code: 'FORBIDDEN_ROLE' });
    }
    for (const name of ['removeTeamMember', 'inviteTeamMember']) {
      await refusals(outside.client, changes(story.id).filter(([one]) => one === name));
    }
    expect((await see(story.person, story.id))!.team.map(({ state }) => state)).toEqual(['joined', 'joined', 'joined']);
  });

  it('to those to whom the person is nobody: as about nobody', async () => {
    const shutOut = await system.newWorker('supervisor', 'OrgR');
    await story.person.mutate('restrictWorker', { participantId: story.id, memberId: shutOut.memberId });
    const [colleague, abroad] = await Promise.all([system.newWorker('peer', 'OrgR'), system.newWorker('supervisor', 'OrgC')]);
    for (const { client } of [shutOut, colleague, abroad]) {
      expect(await refusals(client, [...changes(story.id), ...changes(randomUUID())])).toEqual({ code: 'NOT_FOUND' });
    }
    expect(await refusals(colleague.client, [story.id, randomUUID()].map((participantId) =>
      ['changePreferences', { participantId, householdSize: 1 }]))).toEqual({ code: 'NOT_FOUND' });
  });
});

describe('Preferences', () => {
  it('are changed by nobody who may not read them', async () => {
    const story = await enrollP1(system);
    const outside = await system.newWorker('peer', 'OrgC');
    await story.join(outside);
    await story.grant({
      kind: 'named', recipients: [{ orgId: outside.orgId }], segments: ['safety'], purposes: ['COC'],
      expiry: { at: later(story.enrolledAt, 86_400_000) },
    });
    const change = (input: object) => ['changePreferences', { participantId: story.id, ...input }] as const;
    expect(await refusals(outside.client, [
      change({ contact: { phone: '555-0199' } }), change({ householdSize: 9 }), change({ safeContact: 'x', accessibility: 'x' }),
    ])).toEqual({ code: 'FORBIDDEN_ROLE' });
    await outside.client.mutate('changePreferences', { participantId: story.id, safeContact: 'Evenings' });
    expect(await see(story.person, story.id))
      .toMatchObject({ contact: { phone: '555-0100' }, householdSize: 2, safeContact: 'Evenings' });
  });
});

describe('An id that is taken', () => {
  it('is said to be so with a version only to who sees the person, and after all that is wrong by itself', async () => {
    const story = await enrollP1(system);
    const contact = await story.logContact();
    const enroll = (participantId: string, wrong: object = {}) =>
      ['enrollParticipant', { participantId, preferredName: 'Jo', language: 'en', ...wrong }] as const;
    const strangers = [await system.newWorker('peer', 'OrgR'), await system.newWorker('supervisor', 'OrgC')];
    for (const { client } of strangers) {
      const taken = [enroll(story.id), enroll(contact.id)];
      expect(await refusals(client, taken)).toEqual({ code: 'VERSION_CONFLICT' });
      for (const [code, wrong] of [
        ['VALIDATION', { birthDate: '2999-01-01' }], ['FORBIDDEN_ROLE', { contactsOpenToTeam: true }],
        ['VERSION_CONFLICT', { expectedVersion: 0 }],
      ] as const) {
        const ids = [story.id, contact.id, randomUUID()];
        expect(await refusals(client, ids.map((id) => enroll(id, wrong)))).toMatchObject({ code });
      }
    }
    const other = (await enrollP1(system)).person;
    const ids = [story.id, contact.id, randomUUID()];
    expect(await refusals(other, ids.map((id) => enroll(id)))).toEqual({ code: 'FORBIDDEN_ROLE' });
    expect(await refusals(as('peer'), [enroll(story.id)])).toEqual({ code: 'VERSION_CONFLICT', actualVersion: 0 });
  });
});
