import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { capabilities } from '@peerbridge/care';
import { testRunFolder } from './support/postgres.js';

/** What people type. Everything else is tested below npm. */

const WITHIN_MS = 180_000;

let env: NodeJS.ProcessEnv;
beforeAll(async () => {
  // As in a terminal: nothing of the npm that runs these tests.
  const { PATH, HOME, USER, TMPDIR, LANG } = process.env;
  const dataDir = await mkdtemp(path.join(testRunFolder(), 'npm-'));
  env = { PATH, HOME, USER, TMPDIR, LANG, DATA_DIR: dataDir, PORT: '0', LOG_LEVEL: 'warn' };
});

interface Ended {
  code: number;
  stdout: string;
  stderr: string;
}

const npm = (args: readonly string[], more: Record<string, string> = {}) => new Promise<Ended>((resolve) => {
  execFile('npm', args, { env: { ...env, ...more }, maxBuffer: 2 ** 26 }, (error, stdout, stderr) =>
    resolve({ code: typeof error?.code === 'number' ? error.code : error ? -1 : 0, stdout, stderr }));
});

interface Dev {
  live: string;
  tokens: Record<string, string>;
}

describe('npm start', () => {
  let start: ChildProcess;
  let dev: Dev;

  beforeAll(async () => {
    start = spawn('npm', ['start'], { env, stdio: 'ignore' });
    const file = path.join(env['DATA_DIR']!, 'dev.json');
    while (!await readFile(file, 'utf8').catch(() => undefined)) {
      if (start.exitCode !== null) throw new Error(`npm start ended with ${start.exitCode}`);
      await delay(50);
    }
    dev = JSON.parse(await readFile(file, 'utf8')) as Dev;
  }, WITHIN_MS);
  afterAll(() => { start.kill('SIGTERM'); });

  it('starts a system that answers', async () => {
    expect((await fetch(dev.live)).status).toBe(200);
  });

  it('is what the audit runs beside, with nothing but data on its standard output', async () => {
    const token = { PEERBRIDGE_TOKEN: dev.tokens['auditor']! };
    const { code, stdout } = await npm(['run', '--silent', 'audit', '--', 'replay'], token);
    expect(code).toBe(0);
    const types = stdout.trim().split('\n').map((line) => (JSON.parse(line) as { metadata: { type: string } }).metadata.type);
    expect(new Set(types)).toEqual(new Set(['OrganizationRegistered']));
  }, WITHIN_MS);

  it('ends with all that it started when npm is told to', async () => {
    start.kill('SIGTERM');
    const [code] = await once(start, 'exit') as [number | null];
    expect(code).toBe(0);
    await expect(fetch(dev.live)).rejects.toThrow();
    await expect(readFile(path.join(env['DATA_DIR']!, 'postgres', 'postmaster.pid'))).rejects.toThrow('ENOENT');
  }, WITHIN_MS);
});

describe('npm run', () => {
  it('hands arguments over, and the exit code back', async () => {
    const demo = await npm(['run', 'demo', '--', '--seed', 'x']);
    expect(demo).toMatchObject({ code: 2, stderr: expect.stringContaining('usage:') });
    const audit = await npm(['run', '--silent', 'audit', '--', 'replay', '--participant', 'x']);
    expect(audit).toMatchObject({ code: 2, stdout: '', stderr: expect.stringContaining('--participant is malformed') });
  }, WITHIN_MS);

  it('asyncapi prints the schema of every event, and nothing else', async () => {
    const { code, stdout } = await npm(['run', '--silent', 'asyncapi']);
    expect(code).toBe(0);
    const { asyncapi, components } = JSON.parse(stdout) as { asyncapi: string; components: { messages: object } };
    expect(asyncapi).toBe('3.0.0');
    const events = capabilities.flatMap(({ streams }) => streams).flatMap((stream) => stream.events);
    expect(Object.keys(components.messages).sort()).toEqual(events.map(({ type, version }) => `${type}.v${version}`).sort());
  }, WITHIN_MS);
});
