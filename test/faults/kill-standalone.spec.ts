import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { readdir, readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { RecordedEvent } from '@peerbridge/event-store';
import { loadConfig } from '@peerbridge/platform';
import { rebuildView } from '@peerbridge/projection';
import { openSystem, type System } from '../../apps/system.js';
import { faultRounds, seededChance } from '../support/faults.js';
import { groupBy } from '../support/group-by.js';
import type { Random } from '../support/random.js';
import { startSystem, type TestSystem } from '../support/system.js';
import { isAlive } from '../support/test-data-dir.mjs';
import { WriteLoad, type Acknowledged } from '../support/write-load.js';

const CLIENTS = 8;
const ROUND_WITHIN_MS = 60_000;

/** The whole system in one process, on an embedded PostgreSQL of its own. */
let system: TestSystem;
let random: Random;
let load: WriteLoad;

beforeAll(async () => {
  random = seededChance('Killing the system under a write load');
  system = await startSystem({ env: { DATABASE_URL: '', DEV_CLOCK: '0', LOG_LEVEL: 'silent' } });
  load = await WriteLoad.of(system, random.fork(), CLIENTS);
}, ROUND_WITHIN_MS);
afterAll(async () => {
  await system?.kill();
  await killDatabase();
  await rm(system.dataDir, { recursive: true, force: true });
}, ROUND_WITHIN_MS);

describe('The system, killed under a write load and started again', () => {
  it('has each acknowledged command once, in the log and in the view', async () => {
    for (let round = 1; round <= faultRounds; round += 1) {
      const before = load.acknowledged.length;
      load.start();
      await delay(random.between(50, 1_500));
      await system.kill();
      if (random.next() < 0.3) await killDatabase();
      if (random.next() < 0.3) await killWhileStarting(random.between(50, 2_500));
      await system.restart();
      await load.finish();

      expect(load.acknowledged.length).toBeGreaterThan(before);
      await withOwnEyes(async (log, own) => {
        expectEachOnce(log, own, load.acknowledged);
        expectWholeStreams(log);
      });
      await expectViewOf(load.acknowledged.slice(before).map(({ participantId }) => participantId));
      await expectSameAnswers([1, 2, 3, 4, 5].map(() => random.pick(load.acknowledged)));
    }
  }, faultRounds * ROUND_WITHIN_MS);

  it('shows every acknowledged node once, and what a rebuild shows', async () => {
    await expectViewOf(load.acknowledged.map(({ participantId }) => participantId));
    await withOwnEyes(async (_log, { store, database, view, codec }) => {
      const alarms: unknown[] = [];
      const rebuilt = await rebuildView({ store, pool: database.pool, view, codec, alarm: (event) => alarms.push(event) });
      expect(rebuilt).toEqual({ live: rebuilt.rebuilt, rebuilt: expect.stringMatching(/^[0-9a-f]{64}$/), equal: true });
      expect(alarms).toEqual([]);
    });
  }, ROUND_WITHIN_MS);

  it('leaves nothing behind when it is stopped at last', async () => {
    const postmaster = await postmasterOf(system.dataDir);
    expect(postmaster).toBeDefined();
    expect(await system.stop()).toBe(0);
    expect(await postmasterOf(system.dataDir)).toBeUndefined();
    // It takes its lock file away just before it ends.
    while (isAlive(postmaster!)) await delay(10);
    expect((await readdir(system.dataDir)).sort()).toEqual(['dev-issuer.json', 'key-encryption-keys.json', 'postgres']);
  }, ROUND_WITHIN_MS);
});

async function killWhileStarting(afterMs: number): Promise<void> {
  const starting = system.restart().catch(() => undefined);
  await delay(afterMs);
  await system.kill();
  await starting;
}

async function postmasterOf(dataDir: string): Promise<number | undefined> {
  const text = await readFile(path.join(dataDir, 'postgres', 'postmaster.pid'), 'utf8').catch(() => '');
  return Number.parseInt(text, 10) || undefined;
}

/** As a machine that loses its power would. */
async function killDatabase(): Promise<void> {
  const pid = await postmasterOf(system.dataDir);
  try {
    if (pid) process.kill(pid, 'SIGKILL');
  } catch {
    // It was gone already.
  }
}

/** Beside the running system, in this process: the log, read through the store. */
async function withOwnEyes(look: (log: RecordedEvent[], own: System) => Promise<void>): Promise<void> {
  const own = await openSystem(loadConfig({ DATA_DIR: system.dataDir, LOG_LEVEL: 'silent' }), 'test');
  try {
    const log: RecordedEvent[] = [];
    for await (const event of own.store.readAll()) log.push(event);
    await look(log, own);
  } finally {
    await own.close();
  }
}

function expectEachOnce(log: readonly RecordedEvent[], { places }: System, acknowledged: readonly Acknowledged[]): void {
  const ids = log.map(({ metadata }) => metadata.eventId);
  expect(new Set(ids).size).toBe(ids.length);

  const written = groupBy(log.filter(({ metadata }) => metadata.participantId !== undefined), commandOf);
  expect([...written.keys()].sort()).toEqual(acknowledged.map(({ memberId, commandId }) => `${memberId}/${commandId}`).sort());
  for (const { memberId, commandId, position, participantId } of acknowledged) {
    const events = written.get(`${memberId}/${commandId}`)!;
    // A command writes several events of different types, next to each other in one stream; its answer names the last.
    expect(new Set(events.map(({ metadata }) => metadata.type)).size).toBe(events.length);
    expect(events.map(({ stream, revision }) => [stream, revision]))
      .toEqual(events.map((_, index) => [events[0]!.stream, events[0]!.revision + index]));
    expect(events.at(-1)).toMatchObject({ position: places.positionOf(position), metadata: { participantId } });
  }
}

const commandOf = ({ metadata }: RecordedEvent): string => `${metadata.actor.id}/${metadata.commandId}`;

function expectWholeStreams(log: readonly RecordedEvent[]): void {
  for (const events of groupBy(log, ({ stream }) => stream).values()) {
    expect(events.map(({ revision }) => revision)).toEqual(events.map((_, index) => index));
  }
}

interface Listed {
  totalCount: number;
  edges: { node: { id: string } }[];
}

/** Which list of the person's each command adds a node to. */
const lists = { contacts: 'logPeerContact', consents: 'grantConsent', referrals: 'draftReferral' };

/** As each person sees it who sees all of it. */
async function expectViewOf(participantIds: readonly string[]): Promise<void> {
  const commandsOf = groupBy(load.acknowledged, ({ participantId }) => participantId);
  const fields = Object.keys(lists).map((list) => `${list}(first: 100) { totalCount edges { node { id } } }`).join(' ');
  for (const id of new Set(participantIds)) {
    const token = await system.token({
      sub: `person-${id}`, role: 'person', participant_id: id, org_id: system.dev.organizations['OrgR'], name: 'Jordan',
    });
    const { participant } = await system.as(token).query<{ participant: Record<string, Listed> }>(
      `query($id: ID!, $atLeast: String) { participant(id: $id, atLeast: $atLeast) { ${fields} } }`, { id });
    for (const [list, command] of Object.entries(lists)) {
      const made = commandsOf.get(id)!.filter(({ name }) => name === command).map((one) => one.id).sort();
      const shown = participant[list]!;
      expect([list, shown.totalCount]).toEqual([list, made.length]);
      expect(shown.edges.map(({ node }) => node.id).sort()).toEqual(made);
    }
  }
}

/** A command that is repeated later is answered with its first id, version and position. */
async function expectSameAnswers(commands: readonly Acknowledged[]): Promise<void> {
  for (const { by, name, input, commandId, id, version, position } of commands) {
    expect(await by.mutate(name, { commandId, ...input })).toEqual({ id, version, position });
  }
}
