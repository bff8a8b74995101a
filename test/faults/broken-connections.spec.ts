import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { setTimeout as delay } from 'node:timers/promises';
import { faultRounds, seededChance } from '../support/faults.js';
import { Listener } from '../support/listener.js';
import { Parts, type Api } from '../support/parts.js';
import type { ProductProcess } from '../support/product-process.js';
import { enrollP1, type Story } from '../support/story.js';
import { WriteLoad } from '../support/write-load.js';

const CLIENTS = 4;

let parts: Parts;
let api: Api;
let projector: ProductProcess;

beforeAll(async () => {
  parts = await Parts.open();
  projector = await parts.projector();
  api = await parts.api();
  await parts.registerOrganizations(api);
});
afterAll(async () => {
  expect(await parts.close()).toEqual([0, 0]);
});

/** Of every connection but the one that says so: in the middle of transactions, while it listens, while it holds a lease. */
const cutAll = () => parts.database.pool.query(
  'select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()');

/** Someone who hears a person's story, and asks again where that ends: a lock is held for each entry. */
async function hearing(story: Story, stop: AbortSignal): Promise<void> {
  while (!stop.aborted) {
    const listener = await Listener.open(api.dev.subscriptions, api.as(story.person.token), story.id);
    while (!stop.aborted && listener.errors.length === 0) await delay(5);
    listener.close();
  }
}

describe('PostgreSQL, cutting every connection again and again under a load', () => {
  it('ends no process, and nothing that was acknowledged is lost', async () => {
    const random = seededChance('Connections that are cut under a load');
    const story = await enrollP1(api);
    const load = await WriteLoad.of(api, random.fork(), CLIENTS);
    const stop = new AbortController();
    const heard = hearing(story, stop.signal);
    load.start();
    for (let cut = 0; cut < 4 * faultRounds; cut += 1) {
      await delay(random.between(20, 400));
      await cutAll();
    }
    await load.finish();
    stop.abort();
    await heard;

    expect([api.process.hasEnded, projector.hasEnded]).toEqual([false, false]);
    expect(load.acknowledged.length).toBeGreaterThan(0);
    for (const { by, name, input, commandId, id, version, position } of load.acknowledged.slice(-10)) {
      expect(await by.mutate(name, { commandId, ...input })).toEqual({ id, version, position });
    }
    // The view reaches what was written last, and a withdrawal finds no lock that a broken delivery has left.
    const { id: consentId } = await story.grantTpo();
    await story.person.mutate('revokeConsent', { consentId });
    expect((await fetch(api.dev.ready)).status).toBe(200);
  }, 60_000 + faultRounds * 20_000);
});
