import { randomUUID } from 'node:crypto';
import { mkdtemp } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { loadConfig } from '@peerbridge/platform';
import { Projector, rebuildView, View } from '@peerbridge/projection';
import { openSystem, type System } from '../apps/system.js';
import { anEvent } from '../libs/event-store/contract.js';
import { createTestDatabase, testRunFolder, type TestDatabase } from './support/postgres.js';

let database: TestDatabase;
let system: System;
const logged: string[] = [];
/** What it says of itself; the events of this test are nothing to it. */
const say = (text: string) => { if (!text.startsWith('An event cannot be applied')) logged.push(text); };
const log = { info: say, error: (_: object, text: string) => say(text) };
/** What still runs, also where a test failed. */
const running = new Set<() => Promise<void>>();

beforeAll(async () => {
  database = await createTestDatabase({ poolSize: 1 });
  const DATA_DIR = await mkdtemp(path.join(testRunFolder(), 'projector-'));
  system = await openSystem(loadConfig({ DATABASE_URL: database.url, DATA_DIR, LOG_LEVEL: 'silent' }), 'test');
});
afterAll(async () => {
  for (const stop of running) await stop();
  await system?.close();
  await database?.drop();
});

/** One that may be of another release. */
function start(view: View) {
  const { store, database: { pool, patient }, connect, codec } = system;
  const ended = new AbortController();
  const projector = new Projector({ store, pool, patient, connect, codec, view, log });
  const run = projector.run(ended.signal);
  const stop = async () => {
    ended.abort();
    await run;
    running.delete(stop);
  };
  running.add(stop);
  return { projector, stop };
}

const live = async () => (await View.live(database.pool))!;
const position = async () =>
  (await database.pool.query<{ position: string }>(
    "select position from runtime.checkpoint join runtime.view on consumer = 'view_v' || version where live")).rows[0]?.position;

async function append(): Promise<string> {
  const event = anEvent(`organization-${randomUUID()}`, { type: 'NobodyKnowsThis' });
  return (await system.store.append(event.metadata.stream, [event], { expectedRevision: 'noStream' })).position;
}

async function until(condition: () => Promise<boolean> | boolean): Promise<void> {
  while (!await condition()) await delay(20);
}

describe('The projector', () => {
  it('that another release has taken over from stands aside, and does not undo its work', async () => {
    const newer = new View(system.view.projections.slice(0, -1));
    const old = start(system.view);
    await until(() => old.projector.status.status === 'up');
    logged.length = 0;
    const { store, database: { patient: pool }, codec } = system;
    await rebuildView({ store, pool, view: newer, codec, alarm: () => undefined });
    const made = await live();
    await append();
    await until(() => old.projector.status.status === 'down');
    expect(logged).toEqual(['Other projections have rebuilt the live view since this projector started: it stands aside']);

    // The lease is free for one of that release.
    const its = start(newer);
    const latest = await append();
    await until(async () => await position() === latest);
    expect((await live()).version).toBe(made.version);
    expect(made.definition).toBe(newer.definition);
    await Promise.all([old.stop(), its.stop()]);
  });

  it('that starts on another release\'s view makes its own, as a rollback has to', async () => {
    const { projector, stop } = start(system.view);
    await until(() => projector.status.status === 'up');
    expect((await live()).definition).toBe(system.view.definition);
    await stop();
  });
});
