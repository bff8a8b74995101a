import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { loadConfig } from '@peerbridge/platform';
import { openAnswering, openSystem } from '../../apps/system.js';
import { faultRounds } from '../support/faults.js';
import { Listener } from '../support/listener.js';
import { Parts, type Api } from '../support/parts.js';
import type { ProductProcess } from '../support/product-process.js';
import { enrollP1, type Story } from '../support/story.js';
import type { Client, Payload } from '../support/system.js';

const READ_WAIT_MS = 1_500;
/** How long nothing may come after a withdrawal while others go on writing. */
const SILENCE_MS = 200;

/** Waits until the view has all that was acknowledged. */
const atLeast = 'query($id: ID!, $atLeast: String) { participant(id: $id, atLeast: $atLeast) { contacts { totalCount } } }';

let parts: Parts;
let a: Api;
let b: Api;
let projector: ProductProcess;
const listeners: Listener[] = [];

beforeAll(async () => {
  parts = await Parts.open({ READ_WAIT_MS: String(READ_WAIT_MS) });
  // All at once, on an empty database and folder.
  [projector, a, b] = await Promise.all([parts.projector(), parts.api(), parts.api()]);
  await parts.registerOrganizations(b);
});
afterEach(async () => {
  for (const listener of listeners.splice(0)) listener.close();
  if (projector.hasEnded) projector = await parts.projector();
});
afterAll(async () => {
  for (const code of await parts.close()) expect(code).toBe(0);
});

async function listen(api: Api, caller: Client, { id }: Story): Promise<Listener> {
  const listener = await Listener.open(api.dev.subscriptions, caller, id);
  listeners.push(listener);
  return listener;
}

/** Peers who log contacts that the whole team may read, one after the other, as fast as they are acknowledged. */
function keepWriting(story: Story, { size = 4, words = 'We talked.' } = {}) {
  let writing = true;
  const writers = Array.from({ length: size }, async () => {
    while (writing) await story.logContact({ visibility: 'team', coAuthored: true, summary: words });
  });
  return {
    async stop() {
      writing = false;
      await Promise.all(writers);
    },
  };
}

/** Somebody's look at the person: what they asked and learned between two moments. */
interface Look {
  askedAt: number;
  answeredAt: number;
  saw: boolean;
}

async function look(clinician: Client, participantId: string): Promise<Look> {
  const askedAt = performance.now();
  const { participant } = await clinician.query<{ participant: { preferredName: string | null } | null }>(
    'query($id: ID!) { participant(id: $id) { preferredName } }', { id: participantId });
  return { askedAt, answeredAt: performance.now(), saw: Boolean(participant?.preferredName) };
}

/** A delivery under way holds the person's lock: returns when one has held it for a while, for its receiver does not read. */
async function deliveryHangs(): Promise<void> {
  for (let seen = 0; seen < 10; await delay(20)) {
    const { rowCount } = await parts.database.pool.query(`
      select 1 from pg_locks join pg_stat_activity using (pid)
      where locktype = 'advisory' and mode = 'ShareLock' and granted and application_name like '%-deliveries'
        and state = 'idle' and state_change < now() - interval '100 milliseconds'`);
    seen = rowCount ? seen + 1 : 0;
  }
}

describe('A withdrawal acknowledged by one process', () => {
  it('ends what another delivers: nothing comes after it, though others go on writing', async () => {
    const story = await enrollP1(b);
    await story.join('clinician');
    const clinician = await listen(a, a.as('clinician'), story);
    const person = await listen(a, a.as(story.person.token), story);
    const writers = keepWriting(story);
    try {
      for (let round = 0; round < 10; round += 1) {
        const { id: consentId } = await story.grantTpo();
        await clinician.hears(3);
        await story.person.mutate('revokeConsent', { consentId });
        await clinician.pong();
        const heard = clinician.entries.length;
        await Promise.all([delay(SILENCE_MS), person.hears(3)]);
        expect(clinician.entries.length).toBe(heard);
      }
    } finally {
      await writers.stop();
    }
    expect(new Set(clinician.entries.map(({ id }) => id)).size).toBe(clinician.entries.length);
  });

  it('refuses every query that starts later, wherever it is asked, for every way to withdraw', async () => {
    const story = await enrollP1(b);
    await story.join('clinician');
    const { id: consentId } = await story.grantTpo();
    const { memberId, orgId } = b.dev.members['clinician']!;
    const member = { participantId: story.id, memberId };
    const [clinicianAtA, clinicianAtB] = [a.as('clinician'), b.as('clinician')];
    const [personAtA, personAtB] = [a.as(story.person.token), b.as(story.person.token)];
    let consent = consentId;
    const tpo = async () => { consent = (await story.grantTpo()).id; };
    const ways: { withdraw: (by: Client) => Promise<Payload>; restore: () => Promise<unknown> }[] = [
      { withdraw: (by) => by.mutate('revokeConsent', { consentId: consent }), restore: tpo },
      {
        withdraw: (by) => by.mutate('suspendConsent', { consentId: consent }),
        restore: () => personAtB.mutate('liftSuspension', { consentId: consent }),
      },
      {
        withdraw: (by) => by.mutate('restrictWorker', member),
        restore: () => personAtB.mutate('liftRestriction', member),
      },
      {
        withdraw: (by) => by.mutate('removeTeamMember', member),
        restore: async () => {
          await personAtB.mutate('inviteTeamMember', { ...member, role: 'clinician', organizationId: orgId });
          await clinicianAtB.mutate('joinCareTeam', { participantId: story.id });
        },
      },
      {
        withdraw: (by) => by.mutate('narrowConsent', { consentId: consent, segments: ['team'] }),
        restore: async () => {
          await personAtB.mutate('revokeConsent', { consentId: consent });
          await tpo();
        },
      },
    ];

    const looks: Look[] = [];
    let looking = true;
    const lookers = [clinicianAtA, clinicianAtB].map(async (clinician) => {
      while (looking) looks.push(await look(clinician, story.id));
    });
    const shut: { from: number; to: number }[] = [];
    try {
      for (let round = 0; round < 40 * faultRounds; round += 1) {
        const { withdraw, restore } = ways[round % ways.length]!;
        await withdraw(round % 2 ? personAtA : personAtB);
        const from = performance.now();
        const [atA, atB] = await Promise.all([look(clinicianAtA, story.id), look(clinicianAtB, story.id)]);
        expect([round, atA.saw, atB.saw]).toEqual([round, false, false]);
        shut.push({ from, to: performance.now() });
        await restore();
      }
    } finally {
      looking = false;
      await Promise.all(lookers);
    }
    expect(looks.filter(({ askedAt, answeredAt, saw }) => saw && shut.some(({ from, to }) => askedAt > from && answeredAt < to)))
      .toEqual([]);
    expect(looks.filter(({ saw }) => saw).length).toBeGreaterThan(50);
  }, 40_000 * faultRounds);

  it('is not held up by a receiver that reads no more, who is disconnected', async () => {
    const story = await enrollP1(b);
    await story.join('clinician');
    const { id: consentId } = await story.grantTpo();
    const stalled = await listen(a, a.as('clinician'), story);
    const writers = keepWriting(story, { size: 8, words: 'x'.repeat(20_000) });
    try {
      await stalled.hears();
      stalled.stall();
      await deliveryHangs();
      // Acknowledged: a withdrawal that waits longer than a receiver may take answers that it is unavailable.
      await b.as(story.person.token).mutate('revokeConsent', { consentId });
      stalled.resume();
      await stalled.disconnected();
    } finally {
      await writers.stop();
    }
  });

  it('is not held up by a process that is killed while it delivers', async () => {
    const story = await enrollP1(b);
    await story.join('clinician');
    const { id: consentId } = await story.grantTpo();
    const dying = await parts.api();
    const stalled = await listen(dying, dying.as('clinician'), story);
    const writers = keepWriting(story, { size: 8, words: 'x'.repeat(20_000) });
    try {
      await stalled.hears();
      stalled.stall();
      await deliveryHangs();
      const revoked = b.as(story.person.token).mutate('revokeConsent', { consentId });
      await dying.process.end('SIGKILL');
      await revoked;
    } finally {
      await writers.stop();
    }
  });
});

describe('While a process stands still in the middle of a delivery', () => {
  it('a withdrawal is recorded and not acknowledged, until that process goes on', async () => {
    const story = await enrollP1(b);
    await story.join('clinician');
    const { id: consentId } = await story.grantTpo();
    const frozen = await parts.api();
    const stalled = await listen(frozen, frozen.as('clinician'), story);
    const writers = keepWriting(story, { size: 8, words: 'x'.repeat(20_000) });
    try {
      await stalled.hears();
      stalled.stall();
      await deliveryHangs();
      frozen.process.child.kill('SIGSTOP');
    } finally {
      await writers.stop();
    }
    const command = { commandId: randomUUID(), consentId };
    expect(await story.person.refused('revokeConsent', command)).toMatchObject({ code: 'UNAVAILABLE' });
    expect((await look(a.as('clinician'), story.id)).saw).toBe(false);
    frozen.process.child.kill('SIGCONT');
    await story.person.mutate('revokeConsent', command);
    await frozen.process.end('SIGKILL');
  });
});

describe('Among many who write to one record', () => {
  const drafts = (story: Story, api: Api, count: number) => Array.from({ length: count }, () =>
    api.as('peer').ask<Record<string, Payload | null>>(
      'mutation ($input: DraftConsentInput!) { draftConsent(input: $input) { id } }',
      { input: { commandId: randomUUID(), participantId: story.id } }));

  it('200 different commands at once are all accepted', async () => {
    const story = await enrollP1(b);
    const answers = await Promise.all([...drafts(story, a, 100), ...drafts(story, b, 100)]);
    expect(answers.flatMap(({ errors = [] }) => errors)).toEqual([]);
    const count = async () => (await story.person.query<{ participant: { consents: { totalCount: number } } }>(
      'query ($id: ID!) { participant(id: $id) { consents { totalCount } } }', { id: story.id })).participant.consents.totalCount;
    // The view has them a moment later.
    while (await count() < 200) await delay(20);
    expect(await count()).toBe(200);
  });

  it('the person\'s own withdrawals are acknowledged, at the first try', async () => {
    const story = await enrollP1(b);
    const { id: consentId } = await story.grantHousing();
    const busy = Promise.all([...drafts(story, a, 100), ...drafts(story, b, 100)]);
    const person = a.as(story.person.token);
    await person.mutate('revokeConsent', { consentId });
    await person.mutate('restrictWorker', { participantId: story.id, memberId: b.dev.members['peer']!.memberId });
    // Whoever was shut out meanwhile is refused; nobody was told that the system could not.
    const codes = (await busy).flatMap(({ errors = [] }) => errors.map(({ extensions }) => extensions.code));
    expect(codes.filter((code) => code !== 'NOT_FOUND')).toEqual([]);
  });
});

describe('Without a projector', () => {
  it('a withdrawal is recorded and not acknowledged; its repeat is, once there is one again', async () => {
    const story = await enrollP1(b);
    await story.join('clinician');
    const { id: consentId } = await story.grantTpo();
    await b.as('clinician').query(atLeast, { id: story.id });
    await projector.end('SIGKILL');

    const command = { commandId: randomUUID(), consentId };
    expect(await story.person.refused('revokeConsent', command)).toMatchObject({ code: 'UNAVAILABLE', recorded: true });
    expect(await a.as(story.person.token).refused('revokeConsent', command))
      .toMatchObject({ code: 'UNAVAILABLE', recorded: true });

    projector = await parts.projector();
    await b.as('clinician').query(atLeast, { id: story.id });
    const first = await story.person.mutate('revokeConsent', command);
    expect((await look(a.as('clinician'), story.id)).saw).toBe(false);
    expect(await a.as(story.person.token).mutate('revokeConsent', command)).toEqual(first);
    const { rows } = await parts.database.pool.query(
      "select 1 from events.event where metadata ->> 'commandId' = $1", [command.commandId]);
    expect(rows).toHaveLength(1);
  });

  it('nothing rests on a view that stands still for too long: everybody is told so, whoever they are and ask about', async () => {
    const story = await enrollP1(b);
    const system = await openSystem(loadConfig({ ...parts.env, LOG_LEVEL: 'silent' }), 'test');
    const { shared, trust, close } = await openAnswering(system, { lagBoundMs: 3_000 });
    const { memberId, orgId } = b.dev.members['peer']!;
    const sees = (caller: Parameters<typeof shared.session>[0], id = story.id) => shared.session(caller).person(id)
      .then((access) => access !== undefined, ({ code }: { code: string }) => code);
    const all = () => Promise.all([sees(peer), sees(person), sees(peer, randomUUID())]);
    const isLate = async () => !await trust.holds(shared.options.position.version);
    const peer = { memberId, orgId, role: 'peer' as const };
    const person = { memberId: randomUUID(), orgId, role: 'person' as const, participantId: story.id };
    try {
      await shared.caughtUp();
      expect(await all()).toEqual([true, true, false]);
      await projector.end('SIGKILL');
      await story.logContact();
      while (!await isLate()) await delay(20);
      expect(await all()).toEqual(['UNAVAILABLE', 'UNAVAILABLE', 'UNAVAILABLE']);
      projector = await parts.projector();
      while (await isLate()) await delay(20);
      expect(await all()).toEqual([true, true, false]);
    } finally {
      await close();
      await system.close();
    }
  });

  it('there is another: it carries on when the one that works is killed', async () => {
    const second = await parts.projector();
    await projector.end('SIGKILL');
    projector = second;
    const story = await enrollP1(b);
    await story.logContact();
    expect(await a.as(story.person.token).query(atLeast, { id: story.id }))
      .toEqual({ participant: { contacts: { totalCount: 1 } } });
  });
});
