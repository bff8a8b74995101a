import { randomUUID } from 'node:crypto';
import { stat } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { enrollP1, see } from '../support/story.js';
import { memberIdIn, startSystem, type Client, type TestSystem } from '../support/system.js';

let system: TestSystem;
beforeAll(async () => { system = await startSystem(); });
afterAll(async () => { expect(await system.stop()).toBe(0); });

const as = (role: string): Client => system.as(role);
const metrics = async (): Promise<string> => (await fetch(system.dev.metrics)).text();
/** @param series e.g. `commands_total{command="x",outcome="accepted"}` */
const metric = async (series: string): Promise<number> => {
  const line = (await metrics()).split('\n').find((text) => text.startsWith(`peerbridge_${series} `));
  return Number(line?.split(' ').at(-1) ?? 0);
};

describe('dev.json', () => {
  it('says where everything is, with a token and a member for each role, for its owner alone', async () => {
    const { dev } = system;
    expect((await stat(path.join(system.dataDir, 'dev.json'))).mode & 0o777).toBe(0o600);
    expect(Object.keys(dev).sort()).toEqual([
      'clock', 'explorer', 'graphql', 'live', 'members', 'metrics', 'organizations', 'ready', 'subscriptions', 'token', 'tokens',
    ]);
    expect(Object.keys(dev.tokens)).toHaveLength(14);
    for (const [role, token] of Object.entries(dev.tokens)) {
      const { memberId, orgId, participantId } = dev.members[role]!;
      expect(memberIdIn(token)).toBe(memberId);
      const { viewer } = await as(role).query<{ viewer: object }>('{ viewer { id role organization { id } } }');
      expect(viewer).toMatchObject({ id: memberId, role });
      expect(orgId).toMatch(/^[0-9a-f-]{36}$/);
      expect(participantId !== undefined).toBe(role === 'person' || role === 'family');
    }
    expect(Object.keys(dev.organizations)).toEqual(expect.arrayContaining(['OrgR', 'OrgC', 'OrgED', 'OrgH', 'OrgE', 'OrgS']));
    expect(dev.members.family!.participantId).toBe(dev.members.person!.participantId);
  });

  it('comes with a fixture that has organizations and no person', async () => {
    expect(await see(as('person'), system.dev.members.person!.participantId!)).toBeNull();
    const { viewer } = await as('peer').query<{ viewer: object }>('{ viewer { organization { id name } } }');
    expect(viewer).toEqual({ organization: { id: system.dev.organizations.OrgR, name: 'Riverside Recovery Center' } });
  });
});

describe('The clock of development', () => {
  it('freezes domain time and frees it again; tokens keep real time', async () => {
    await system.freeze('2030-01-01T00:00:00.000Z');
    try {
      const story = await enrollP1(system);
      expect(story.enrolledAt).toBe('2030-01-01T00:00:00.000Z');
      expect((await see(story.person, story.id))?.timeline[0])
        .toMatchObject({ occurredAt: story.enrolledAt, recordedAt: story.enrolledAt });
    } finally {
      await system.thaw();
    }
    const story = await enrollP1(system);
    expect(Math.abs(Date.parse(story.enrolledAt) - Date.now())).toBeLessThan(60_000);
  });

  it('takes nothing but a time or null', async () => {
    for (const body of ['{}', '{"now":"noon"}', '{"now":5}', '{"now":null,"x":1}', 'x']) {
      const response = await fetch(system.dev.clock, { method: 'PUT', headers: { 'content-type': 'application/json' }, body });
      expect({ body, status: response.status }).toEqual({ body, status: 400 });
    }
  });
});

describe('Health', () => {
  it('is told to anyone, without a token', async () => {
    const live = await fetch(system.dev.live);
    expect(live.status).toBe(200);
    const ready = await fetch(system.dev.ready);
    expect(ready.status).toBe(200);
    expect(await ready.json()).toMatchObject({
      status: 'ok',
      details: {
        store: { status: 'up' }, database: { status: 'up' },
        projector: { status: 'up', lagEvents: expect.any(Number), stoppedParticipants: 0 },
        relay: { status: 'up', enabled: false },
      },
    });
  });
});

describe('Metrics', () => {
  it('count commands by what became of them', async () => {
    const count = (outcome: string) => metric(`commands_total{command="changePreferences",outcome="${outcome}"}`);
    const story = await enrollP1(system);
    const outcomes = [
      'accepted', 'repeated', 'IDEMPOTENCY_MISMATCH', 'FORBIDDEN_ROLE', 'VALIDATION', 'NOT_FOUND', 'VERSION_CONFLICT',
    ];
    const before = await Promise.all(outcomes.map(count));
    const input = { commandId: randomUUID(), participantId: story.id, householdSize: 3 };
    await as('peer').mutate('changePreferences', input);
    await as('peer').mutate('changePreferences', input);
    await as('peer').refused('changePreferences', { ...input, householdSize: 4 });
    await as('auditor').refused('changePreferences', input);
    await as('peer').refused('changePreferences', {});
    await as('peer').refused('changePreferences', { participantId: randomUUID(), householdSize: 3 });
    await as('peer').refused('changePreferences', { participantId: story.id, householdSize: 3, expectedVersion: 9 });
    const after = await Promise.all(outcomes.map(count));
    expect(after.map((value, index) => value - before[index]!)).toEqual(outcomes.map(() => 1));
  });

  it('have the names that alarms are set on', async () => {
    const text = await metrics();
    for (const name of [
      'commands_total', 'command_duration_seconds', 'disclosure_decisions_total', 'security_events_total',
      'projection_lag_events', 'projection_stopped_participants', 'relay_lag_events', 'relay_published_total',
    ]) expect(text).toContain(`# TYPE peerbridge_${name} `);
    expect(text).not.toMatch(/[0-9a-f]{8}-[0-9a-f]{4}-/);
  });
});

describe('A header that pretends', () => {
  it('changes nothing but the count of security events (23)', async () => {
    const story = await enrollP1(system);
    const query = `query($id: ID!) { viewer { role } participant(id: $id) { id preferredName }
      access(participantId: $id) { participantId } }`;
    const headers: Record<string, string>[] = [
      { 'X-Role': 'auditor', 'X-Redaction': 'off' }, { 'x-role': 'person' }, { 'x-participant-id': story.id },
      { 'x-user': 'admin' },
    ];
    for (const role of ['peer', 'employer']) {
      const plain = await as(role).ask(query, { id: story.id });
      for (const pretending of headers) {
        const before = await metric('security_events_total{kind="overrideHeader"}');
        expect(await as(role).ask(query, { id: story.id }, pretending)).toEqual(plain);
        expect(await metric('security_events_total{kind="overrideHeader"}')).toBe(before + 1);
      }
    }
  });
});

describe('Who asks', () => {
  const ask = async (init: RequestInit) => {
    const response = await fetch(system.dev.graphql, init);
    const { data, errors } = await response.json() as { data?: unknown; errors?: { extensions: { code: string } }[] };
    return { status: response.status, data, code: errors?.[0]?.extensions.code };
  };
  const body = JSON.stringify({ query: '{ viewer { id } }' });
  const json = { 'content-type': 'application/json' };

  it('shows a token before anything else is looked at', async () => {
    for (const authorization of [undefined, 'Bearer x', `Basic ${as('peer').token}`, as('peer').token]) {
      for (const sent of [body, '{', '[]']) {
        expect(await ask({ method: 'POST', headers: { ...json, ...authorization && { authorization } }, body: sent }))
          .toEqual({ status: 401, code: 'UNAUTHENTICATED' });
      }
    }
  });

  it('posts one operation of the schema as JSON', async () => {
    const authorization = `Bearer ${as('peer').token}`;
    const post = (sent: string, headers = {}) =>
      ask({ method: 'POST', headers: { ...json, authorization, ...headers }, body: sent });
    const misfit = { query: 'query($n: Int) { participants(first: $n) { totalCount } }', variables: { n: 'x' } };
    const bad = { status: 400, code: 'BAD_REQUEST' };
    expect(await post('{')).toEqual(bad);
    expect(await post(`[${body},${body}]`)).toEqual(bad);
    expect(await post(JSON.stringify({ query: '{ viewer {' }))).toEqual(bad);
    expect(await post(JSON.stringify({ query: '{ nothing }' }))).toEqual(bad);
    expect(await post(JSON.stringify(misfit))).toEqual(bad);
    expect(await post(body, { 'content-type': 'text/plain' })).toEqual(bad);
    expect(await ask({ method: 'GET', headers: { authorization } })).toEqual(bad);
    expect(await post(body)).toMatchObject({ status: 200, data: { viewer: {} } });
  });

  it('asks for no more than the limits', async () => {
    const post = async (query: string) => {
      const { status, errors } = await as('peer').ask(query);
      return { status, code: errors?.[0]?.extensions.code };
    };
    // Seven levels for each round from a worker over their participants to those' workers, and two more.
    const round = '{ participants(first: 1) { edges { node { team(first: 1) { edges { node { worker ';
    const deep = (rounds: number) => `{ viewer ${round.repeat(rounds)}{ id }${' } } } } } } }'.repeat(rounds)} }`;
    const aliases = (count: number) => `{ ${Array.from({ length: count }, (_, index) => `a${index}: viewer { id }`).join(' ')} }`;
    const tooMuch = { status: 400, code: 'LIMIT_EXCEEDED' };
    expect(await post(aliases(15))).toEqual({ status: 200 });
    expect(await post(aliases(100))).toEqual(tooMuch);
    expect(await post(deep(1))).toEqual({ status: 200 });
    // Depth 12, each list in full.
    expect(await post(`{ participants(first: 100) { edges { node { team(first: 100) { edges { node { participant {
      contacts(first: 100) { edges { node { author { id } } } } } } } } } } } }`)).toEqual({ status: 200 });
    expect(await post(deep(4))).toEqual(tooMuch);
    expect(await post(`{ viewer { id } } #${'x'.repeat(100 * 1024 - 100)}`)).toEqual({ status: 200 });
    expect(await post(`{ viewer { id } } #${'x'.repeat(1024 * 1024)}`)).toEqual({ status: 413, code: 'LIMIT_EXCEEDED' });
  });
});

describe('What was acknowledged', () => {
  it('is there after a kill and a restart, answered as before when repeated', async () => {
    const story = await enrollP1(system, { occurredAt: '2026-01-02T09:00:00.000Z' });
    const input = {
      commandId: randomUUID(), participantId: story.id, startedAt: '2026-01-05T10:00:00Z', endedAt: '2026-01-05T10:07:00Z',
      modality: 'text', supportTypes: ['emotional'], summary: 'Before the lights went out.',
    };
    const first = await as('peer').mutate('logPeerContact', input, 'peerContact { summary }');
    const token = story.person.token;
    await system.kill();
    await system.restart();
    expect(await as('peer').mutate('logPeerContact', input, 'peerContact { summary }')).toEqual(first);
    expect((await see(system.as(token), story.id))?.contacts)
      .toMatchObject([{ id: first.id, summary: 'Before the lights went out.' }]);
    expect(await as('peer').refused('logPeerContact', { ...input, summary: 'Another.' }))
      .toEqual({ code: 'IDEMPOTENCY_MISMATCH' });
  });

  it('stands in no log line', async () => {
    const story = await enrollP1(system, { preferredName: 'Canary Wren' });
    await story.logContact({ narrative: 'took sertraline with her coffee' });
    await as('peer').refused('enrollParticipant', { participantId: 'Canary Wren', preferredName: 'Canary Wren', language: 'en' });
    await as('peer').ask('{ participant(id: "Canary Wren") { nothing } }');
    expect(system.logs()).not.toMatch(/Canary Wren|sertraline|555-0100/);
  });
});
