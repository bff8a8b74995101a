import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import type { EventStore } from '@peerbridge/event-store';
import { loadConfig } from '@peerbridge/platform';
import { View } from '@peerbridge/projection';
import { startProjector } from '../apps/projector/projector.js';
import { openAnswering, openSystem, type Answering, type System } from '../apps/system.js';
import { Parts, type Api } from './support/parts.js';
import type { ProductProcess } from './support/product-process.js';
import { enrollP1, type Story } from './support/story.js';

let parts: Parts;
let api: Api;
let projector: ProductProcess;
let story: Story;
/** Of the event by which the clinician was let in, and of the one by which they were shut out again. */
let granted: string;
let revoked: string;
const logged: string[] = [];
/** What a test has opened. */
const opened: (() => Promise<void>)[] = [];

beforeAll(async () => {
  parts = await Parts.open();
  [api, projector] = await Promise.all([parts.api(), parts.projector()]);
  await parts.registerOrganizations(api);
  story = await enrollP1(api);
  await story.join('clinician');
  const consent = await story.grantTpo();
  await story.logContact();
  granted = await head();
  await story.person.mutate('revokeConsent', { consentId: consent.id });
  revoked = await head();
  await Promise.all([projector.end('SIGTERM'), api.process.end('SIGTERM')]);
});
afterEach(async () => {
  for (const close of opened.splice(0).reverse()) await close();
  logged.length = 0;
});
afterAll(() => parts?.close());

const sql = async <Row extends object>(text: string): Promise<Row[]> => (await parts.database.pool.query<Row>(text)).rows;
const head = async (): Promise<string> => (await sql<{ position: string }>(`
  select 'pg' || (select id from events.store) || '.' || lpad(max(position)::text, 20, '0') as position
  from events.event`))[0]!.position;
const until = async (condition: () => Promise<boolean> | boolean): Promise<void> => {
  while (!await condition()) await delay(20);
};

/** A process that answers, and whose projector reads the log as far as it is let. */
class Process {
  private mayReadTo = '';
  private readonly letOn = new Set<() => void>();

  private constructor(readonly system: System, readonly answering: Answering) {}

  static async start({ readsTo = '~', projects = true, view }: { readsTo?: string; projects?: boolean; view?: View } = {}) {
    const say = (...said: unknown[]) => { logged.push(String(said.at(-1))); };
    const log = { info: say, warn: say, error: say, fatal: say } as unknown as System['log'];
    const opening = await openSystem(loadConfig({ ...parts.env, LOG_LEVEL: 'silent' }), 'test', { log });
    const system = { ...opening, ...(view && { view }) };
    const process = new Process(system, await openAnswering(system));
    process.mayReadTo = readsTo;
    const running = projects ? startProjector({ ...system, store: process.gated(system.store) }) : undefined;
    opened.push(async () => {
      process.read('~');
      await running?.stop();
      await process.answering.close();
      await system.close();
    });
    return process;
  }

  /** Lets the projector go on, up to a position. */
  read(to: string): void {
    this.mayReadTo = to;
    for (const letOn of this.letOn) letOn();
  }

  /** The first name that each of these roles is given of the person, and of one whom nobody knows. */
  async sees(role: string, id = story.id): Promise<string> {
    const { memberId, orgId } = api.dev.members[role]!;
    try {
      const access = await this.answering.shared.session({ memberId, orgId, role: role as 'peer' }).person(id);
      return access ? 'seen' : 'unknown';
    } catch (error) {
      return (error as { code: string }).code;
    }
  }

  /** As long as the test's own loop turns so often. */
  async all(times = 1): Promise<string[]> {
    const seen = new Set<string>();
    for (let turn = 0; turn < times; turn += 1) {
      const looks = [this.sees('clinician'), this.sees('peer'), this.sees('peer', randomUUID())];
      for (const look of await Promise.all(looks)) seen.add(look);
      await delay(10);
    }
    return [...seen];
  }

  private gated(store: EventStore): EventStore {
    const until = async (position: string) => {
      while (position > this.mayReadTo) await new Promise<void>((resolve) => { this.letOn.add(resolve); });
    };
    return new Proxy(store, {
      get: (target, name: keyof EventStore) => {
        if (name === 'readAll') {
          return async function* (...args: Parameters<EventStore['readAll']>) {
            for await (const event of target.readAll(...args)) {
              await until(event.position);
              yield event;
            }
          };
        }
        if (name === 'subscribeAll') {
          return async function* (...args: Parameters<EventStore['subscribeAll']>) {
            for await (const item of target.subscribeAll(...args)) {
              if (item.kind === 'event') await until(item.event.position);
              yield item;
            }
          };
        }
        const value = target[name];
        return typeof value === 'function' ? value.bind(target) : value;
      },
    });
  }
}

const liveVersion = async (): Promise<number | undefined> =>
  (await sql<{ version: number }>('select version from runtime.view where live'))[0]?.version;

async function takeAwayTheView(): Promise<void> {
  const schemas = await sql<{ name: string }>("select nspname as name from pg_namespace where nspname ~ '^view_v|^runtime$'");
  for (const { name } of schemas) await sql(`drop schema ${name} cascade`);
}

const whatIsRight = async (process: Process): Promise<void> => {
  await until(async () => await process.sees('peer') === 'seen');
  expect(await process.sees('clinician')).toBe('unknown');
  expect(await process.sees('peer', randomUUID())).toBe('unknown');
};

describe('While the view is being made', () => {
  it('nobody is told anything, whoever they are and whomever they ask about: after a restore', async () => {
    await takeAwayTheView();
    const process = await Process.start({ readsTo: granted });
    expect(await process.all(50)).toEqual(['UNAVAILABLE']);
    process.read(revoked);
    await whatIsRight(process);
  });

  it('so it is where the live view is closed by hand, at once and also while nothing is written', async () => {
    const process = await Process.start();
    await whatIsRight(process);
    process.read(granted);
    await sql('update runtime.view set live = false');
    expect(await process.all(50)).toEqual(['UNAVAILABLE']);
    process.read(revoked);
    await whatIsRight(process);
  });

  it('so it is where the checkpoint of the live view is gone, which is said', async () => {
    const process = await Process.start();
    await whatIsRight(process);
    const before = await liveVersion();
    await sql("delete from runtime.checkpoint where consumer like 'view_v%'");
    await until(async () => await liveVersion() !== before && await liveVersion() !== undefined);
    await whatIsRight(process);
    expect(logged).toContain('The checkpoint of the live view is gone: it is closed, and made anew from the log');
  });

  it('so it is for a process that was not there when the view was level with the log, and finds it behind', async () => {
    await (async () => whatIsRight(await Process.start()))();
    for (const close of opened.splice(0).reverse()) await close();
    await sql(`update runtime.checkpoint set position = '${granted}', event_id = null where consumer like 'view_v%'`);
    const process = await Process.start({ projects: false });
    expect(await process.all(20)).toEqual(['UNAVAILABLE']);
    await sql('update runtime.view set live = false');
    await whatIsRight(await Process.start());
    await whatIsRight(process);
  });
});

describe('A log that is not the one of which the view was made', () => {
  it('closes it while the system runs: another event stands where the view was', async () => {
    const process = await Process.start();
    await whatIsRight(process);
    const another = randomUUID();
    await sql(`update events.event set event_id = '${another}',
      metadata = replace(metadata::text, event_id::text, '${another}')::json
      where position = (select max(position) from events.event)`);
    await until(() => logged.some((line) => line.startsWith('The live view is of another event store')));
    await whatIsRight(process);
  });

  it('closes it while the system runs: the log ends before', async () => {
    const process = await Process.start();
    await whatIsRight(process);
    const before = await liveVersion();
    process.read('');
    // As a backup of an earlier day: the withdrawal is gone.
    await sql('create table public.lost as select * from events.event where position = (select max(position) from events.event)');
    await sql('delete from events.event where position = (select max(position) from events.event)');
    await until(async () => await process.sees('peer') === 'UNAVAILABLE');
    process.read('~');
    await until(async () => await process.sees('clinician') === 'seen');
    expect(await liveVersion()).not.toBe(before);
    expect(logged).toContain('The live view is of another event store, or of events that this one no longer has: '
      + 'it is closed, and made anew from the log');
    await sql('insert into events.event select * from public.lost');
    await until(async () => await process.sees('clinician') === 'unknown');
    await sql('drop table public.lost');
  });

  it('closes it at the start: it is another store', async () => {
    const [own] = await sql<{ id: string }>('select id from events.store');
    await sql("update events.store set id = 'abcdef01'");
    const process = await Process.start({ readsTo: '' });
    expect(await process.all(20)).toEqual(['UNAVAILABLE']);
    await until(() => logged.some((line) => line.startsWith('The live view is of another event store')));
    process.read('~');
    await whatIsRight(process);
    await sql(`update events.store set id = '${own!.id}'`);
  });
});

describe('A new release', () => {
  it('fills its view beside the old projector, which goes on, and no read fails', async () => {
    const old = await Process.start();
    await whatIsRight(old);
    const newer = new View(old.system.view.projections.map((one) => ({ ...one, version: one.version + 1 })));
    const beside = await Process.start({ readsTo: granted, view: newer });
    const [before] = await sql<{ definition: string }>('select definition from runtime.view where live');
    await until(() => logged.includes('The live view was made by other projections: rebuilding it'));
    // What happens meanwhile is in force at once, for the old projector writes it.
    const busy = await parts.api();
    const meanwhile = await enrollP1(busy);
    await meanwhile.join('clinician');
    const consent = await meanwhile.grantTpo();
    await until(async () => await old.sees('clinician', meanwhile.id) === 'seen');
    await meanwhile.person.mutate('revokeConsent', { consentId: consent.id });
    expect(await old.sees('clinician', meanwhile.id)).toBe('unknown');

    let swapped = false;
    const reads = (async () => {
      const seen = new Set<string>();
      while (!swapped) {
        for (const look of await Promise.all([old.sees('peer'), old.sees('peer', meanwhile.id)])) seen.add(look);
      }
      return [...seen];
    })();
    beside.read('~');
    await until(async () => (await sql<{ definition: string }>('select definition from runtime.view where live'))[0]!.definition
      !== before!.definition);
    await meanwhile.logContact();
    await until(async () => await beside.sees('peer', meanwhile.id) === 'seen');
    swapped = true;
    expect(await reads).toEqual(['seen']);
    await busy.process.end('SIGTERM');
  });
});
