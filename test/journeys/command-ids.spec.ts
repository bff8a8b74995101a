import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { enrollP1, type Story } from '../support/story.js';
import { startSystem, type Client, type Payload, type TestSystem } from '../support/system.js';

let system: TestSystem;
beforeAll(async () => { system = await startSystem(); });
afterAll(async () => { expect(await system.stop()).toBe(0); });

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

describe('An id chosen by the caller', () => {
  it('is taken whatever kind of node has it', async () => {
    const story = await enrollP1(system);
    const consent = await story.grantTpo();
    const ids = [consent.id, system.dev.organizations.OrgH!];
    for (const participantId of ids) {
      expect(await as('peer').refused('enrollParticipant', { participantId, preferredName: 'Kai', language: 'en' }))
        .toEqual({ code: 'VERSION_CONFLICT' });
    }
    for (const organizationId of [consent.id, story.id]) {
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
