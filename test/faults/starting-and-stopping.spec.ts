import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { networkInterfaces } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { keysFromFile } from '@peerbridge/vault';
import { startEventStoreDouble } from '../support/eventstoredb-double.js';
import { Gate } from '../support/gate.js';
import { createTestDatabase, testRunFolder, type TestDatabase } from '../support/postgres.js';
import { ProductProcess, type App } from '../support/product-process.js';
import { compiledDist } from '../support/run-typescript.js';

const outsideIssuer = { OIDC_ISSUER: 'https://id.example', OIDC_AUDIENCE: 'peerbridge', OIDC_JWKS_URL: 'https://id.example/jwks' };

let database: TestDatabase;
/** Takes connections and never says a word. */
let silent: Server;
const unanswered = new Set<Socket>();
const spawned: ProductProcess[] = [];

beforeAll(async () => {
  database = await createTestDatabase({ poolSize: 1 });
  silent = createServer((socket) => void unanswered.add(socket.on('error', () => undefined))).listen(0, '127.0.0.1');
  await once(silent, 'listening');
});
afterAll(async () => {
  await Promise.all(spawned.map((one) => one.end('SIGKILL')));
  for (const socket of unanswered) socket.destroy();
  silent?.close();
  await database?.drop();
});

/** Every address, of the newer kind where this machine has it. */
const everywhere = Object.values(networkInterfaces()).flat().some((one) => one?.family === 'IPv6') ? '::' : '0.0.0.0';
const silentPort = (): number => (silent.address() as AddressInfo).port;
const folder = (): Promise<string> => mkdtemp(path.join(testRunFolder(), 'starting-'));
const exists = (file: string): Promise<boolean> => stat(file).then(() => true, () => false);

async function start(app: App, env: Record<string, string>): Promise<ProductProcess> {
  const process = await ProductProcess.spawn(app, { PORT: '0', LOG_LEVEL: 'info', ...env });
  spawned.push(process);
  return process;
}

async function refusalOf(env: Record<string, string>): Promise<string> {
  const process = await start('standalone', { DATA_DIR: await folder(), ...env });
  expect(await process.end()).toBe(1);
  return process.err;
}

async function devFileIn(dataDir: string): Promise<Record<string, string>> {
  for (;;) {
    const text = await readFile(path.join(dataDir, 'dev.json'), 'utf8').catch(() => undefined);
    if (text) return JSON.parse(text) as Record<string, string>;
    await delay(20);
  }
}

describe('A mistake', () => {
  it('is named by its variable, and ends the process', async () => {
    const shared = { DATABASE_URL: database.url, DATA_DIR: await folder() };
    const other = await folder();
    expect(await refusalOf({ DATABASE_URL: 'postgresql://me:hunter2@localhost:1/x' })).toMatch(/^peerbridge: DATABASE_URL: .+\n$/);
    const missing = new URL(database.url);
    missing.pathname += '_of_another';
    expect(await refusalOf({ DATABASE_URL: missing.href })).toMatch(/^peerbridge: DATABASE_URL: .*not exist\n$/);
    expect(await refusalOf({ ...shared, HOST: '192.0.2.1' })).toMatch(/^peerbridge: HOST: .*EADDRNOTAVAIL/);
    expect(await refusalOf({ ...shared, PORT: String(silentPort()) })).toMatch(/^peerbridge: Port \d+ .* set PORT/);
    expect(await refusalOf({ ...shared, EVENTSTOREDB_URL: 'esdb://me:hunter2@localhost:1?tls=maybe' }))
      .toBe('peerbridge: EVENTSTOREDB_URL has an option whose value the client does not take\n');
    // The vault was begun above, with that folder's key.
    expect(await refusalOf({ DATABASE_URL: database.url })).toMatch(/^peerbridge: KEY_ENCRYPTION_KEY_FILE: .* is missing/);
    await keysFromFile(path.join(other, 'key-encryption-keys.json'), { create: true });
    expect(await refusalOf({ DATABASE_URL: database.url, DATA_DIR: other })).toMatch(/KEY_ENCRYPTION_KEY_FILE: .* does not open/);
  });
});

describe('A second start on the folder of a running system', () => {
  it('leaves what the first one has written alone, and says why it ends', async () => {
    const DATA_DIR = await folder();
    const first = await start('standalone', { DATA_DIR });
    const { live } = await devFileIn(DATA_DIR);
    const before = await readFile(path.join(DATA_DIR, 'dev.json'), 'utf8');
    expect(await refusalOf({ DATA_DIR, PORT: new URL(live!).port })).toMatch(/set PORT/);
    expect(await readFile(path.join(DATA_DIR, 'dev.json'), 'utf8')).toBe(before);

    // Elsewhere it runs, and goes, beside the first.
    const second = await start('standalone', { DATA_DIR });
    await second.says(/Peerbridge is running/);
    expect(await second.end('SIGTERM')).toBe(0);
    expect(await readFile(path.join(DATA_DIR, 'dev.json'), 'utf8')).toBe(before);
    expect(await first.end('SIGTERM')).toBe(0);
    expect(await exists(path.join(DATA_DIR, 'dev.json'))).toBe(false);
  });
});

describe('With an outside issuer', () => {
  it('developing goes on: the clock and the explorer are there, tokens come from elsewhere', async () => {
    const DATA_DIR = await folder();
    const system = await start('standalone', { DATA_DIR, DEV_CLOCK: '1', HOST: everywhere, ...outsideIssuer });
    const dev = await devFileIn(DATA_DIR);
    expect(Object.keys(dev).sort()).toEqual([
      'clock', 'explorer', 'graphql', 'live', 'metrics', 'organizations', 'ready', 'subscriptions',
    ]);
    expect((await fetch(dev['live']!)).status).toBe(200);
    const frozen = await fetch(dev['clock']!, {
      method: 'PUT', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ now: '2030-01-01T00:00:00Z' }),
    });
    expect(await frozen.json()).toEqual({ now: '2030-01-01T00:00:00.000Z', frozen: true });
    expect((await fetch(dev['explorer']!)).status).toBe(200);
    expect(await (await fetch(new URL('/dev/roles', dev['live']))).json()).toEqual([]);
    expect((await fetch(new URL('/dev/token', dev['live']), { method: 'POST' })).status).toBe(404);
    expect(await system.end('SIGTERM')).toBe(0);
  });

  it('production needs no more: a key is made once, with a warning, and never beside a vault that it does not open', async () => {
    const DATA_DIR = await folder();
    const env = { DATA_DIR, NODE_ENV: 'production', DEV_CLOCK: '1', ...outsideIssuer };
    const first = await start('api', env);
    const [, address] = await first.says(/"address":"([^"]+)"/);
    expect(first.out).toMatch(/"level":"warn".*keep a copy/);
    expect(first.out).toMatch(/"level":"warn".*DEV_CLOCK/);
    for (const route of ['/dev/token', '/dev/clock', '/dev/roles', '/explorer']) {
      expect((await fetch(new URL(route, address))).status).toBe(404);
    }
    expect(await first.end('SIGTERM')).toBe(0);

    const again = await start('api', env);
    await again.says(/"address"/);
    expect(again.out).not.toMatch(/keep a copy/);
    expect(await again.end('SIGTERM')).toBe(0);

    await rm(path.join(DATA_DIR, 'key-encryption-keys.json'));
    expect(await refusalOf(env)).toMatch(/^peerbridge: KEY_ENCRYPTION_KEY_FILE: .* is missing/);
    expect(await exists(path.join(DATA_DIR, 'key-encryption-keys.json'))).toBe(false);
  });
});

describe('A process that is told to stop', () => {
  it('while it waits for the event store leaves nothing running, and has done no wrong', async () => {
    const DATA_DIR = await folder();
    const asked = once(silent, 'connection');
    const system = await start('standalone', { DATA_DIR, EVENTSTOREDB_URL: `esdb://127.0.0.1:${silentPort()}?tls=false` });
    await asked;
    expect(await exists(path.join(DATA_DIR, 'postgres', 'postmaster.pid'))).toBe(true);
    expect(await system.end('SIGTERM')).toBe(0);
    expect(await exists(path.join(DATA_DIR, 'postgres', 'postmaster.pid'))).toBe(false);
  });

  it('while its relay waits for a broker that says nothing does not wait with it', async () => {
    const DATA_DIR = await folder();
    const asked = once(silent, 'connection');
    const system = await start('relay', { DATA_DIR, KAFKA_BROKERS: `127.0.0.1:${silentPort()}` });
    await asked;
    expect(await system.end('SIGINT')).toBe(0);
  });

  it.each(['database', 'event store'])('while nothing is heard any more of its %s does not wait for it', async (muffled) => {
    const [double, fresh] = await Promise.all([startEventStoreDouble(), createTestDatabase({ poolSize: 1 })]);
    const url = new URL(fresh.url);
    const gates = { 'database': await Gate.before(Number(url.port)), 'event store': await Gate.before(double.port()) };
    url.port = String(gates['database'].port);
    const DATA_DIR = await folder();
    const system = await start('standalone', {
      DATA_DIR, DATABASE_URL: url.href, EVENTSTOREDB_URL: `esdb://127.0.0.1:${gates['event store'].port}?tls=false`,
    });
    const { graphql, tokens } = await devFileIn(DATA_DIR) as unknown as { graphql: string; tokens: Record<string, string> };
    gates[muffled as keyof typeof gates].muffle();
    const headers = { 'content-type': 'application/json', authorization: `Bearer ${tokens['peer']}` };
    const query = `mutation { enrollParticipant(input: {
      commandId: "first", participantId: "${randomUUID()}", preferredName: "Jordan", language: "en" }) { id } }`;
    const asked = fetch(graphql, { method: 'POST', headers, body: JSON.stringify({ query }) }).catch(() => undefined);
    await delay(500);
    const code = await system.end('SIGTERM');
    await Promise.all([...Object.values(gates).map((gate) => gate.close()), double.close(), fresh.drop()]);
    await asked;
    expect(code).toBe(0);
  });
});

describe('A process', () => {
  it('ends when a part of it fails for good: whoever watches over it starts it again', async () => {
    const module = pathToFileURL(path.join(await compiledDist(), 'apps', 'process.js')).href;
    const child = spawn(process.execPath, ['--input-type=module', '--eval', `
      import { runProcess } from '${module}';
      await runProcess(async () => ({
        failed: Promise.reject(new Error('The projector failed')),
        stop: async () => { process.stdout.write('stopped'); },
      }));`], { env: { PATH: process.env['PATH'] }, stdio: ['ignore', 'pipe', 'pipe'] });
    let said = '';
    for (const output of [child.stdout, child.stderr]) output.on('data', (chunk: Buffer) => { said += chunk.toString(); });
    const [code] = await once(child, 'close');
    expect({ code, said }).toEqual({ code: 1, said: 'stoppedpeerbridge: The projector failed\n' });
  });
});
