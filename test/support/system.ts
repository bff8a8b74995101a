import { spawn, type ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { jest } from '@jest/globals';
import { Client, memberIdIn, post, type Dev, type Latest } from './client.js';
import { createTestDatabase, testRunFolder } from './postgres.js';
import { compiledDist } from './run-typescript.js';

export * from './client.js';

const READY_WITHIN_MS = 60_000;

// A machine with much else to do is slow, and not wrong.
jest.setTimeout(60_000);

/** What may be asked of the issuer of development. */
export interface Claims {
  sub: string;
  role: string;
  org_id?: string;
  participant_id?: string;
  name?: string;
  exp?: number;
}

export interface SystemOptions {
  /** Over the defaults. `DATABASE_URL: ''` means the embedded PostgreSQL. */
  env?: Record<string, string>;
  dataDir?: string;
}

export interface TestSystem {
  /** As of the last start: a restart may change the port. */
  readonly dev: Dev;
  readonly dataDir: string;
  /** What the process was started with. */
  readonly env: Readonly<Record<string, string>>;
  /** Standard output and standard error so far, of all starts. */
  logs(): string;
  token(claims: Claims): Promise<string>;
  /** A member of the fixture by role, or whoever the token says. */
  as(roleOrToken: string): Client;
  /** A worker nobody has met before. @param organization the fixture's name of it, or an id */
  newWorker(role: string, organization: string): Promise<Worker>;
  /** Freezes domain time. Tests of one file share it. */
  freeze(time: string): Promise<void>;
  thaw(): Promise<void>;
  /** SIGKILL. What is on disk stays, for `restart`. */
  kill(): Promise<void>;
  /** Stops cleanly if it runs, and starts on the same data. */
  restart(): Promise<void>;
  /** SIGTERM, if it runs; then its database goes. Returns the exit code. */
  stop(): Promise<number | null>;
}

/** Somebody with a token. */
export interface Worker {
  client: Client;
  memberId: string;
  orgId: string;
  role: string;
}

/** The compiled product in a process of its own, on a database of its own, answering. End it with `stop()` in `afterAll`. */
export async function startSystem(options: SystemOptions = {}): Promise<TestSystem> {
  const main = path.join(await compiledDist(), 'apps', 'standalone', 'main.js');
  const database = options.env?.DATABASE_URL === undefined ? await createTestDatabase({ poolSize: 1 }) : undefined;
  const dataDir = options.dataDir ?? await mkdtemp(path.join(testRunFolder(), 'system-'));
  const env = {
    PORT: '0', DATA_DIR: dataDir, DEV_CLOCK: '1', LOG_LEVEL: 'warn', ...database && { DATABASE_URL: database.url },
    ...options.env,
  };
  await mkdir(dataDir, { recursive: true });

  let child: ChildProcess | undefined;
  let dev: Dev;
  let logs = '';
  const start = async () => {
    const file = path.join(dataDir, 'dev.json');
    await rm(file, { force: true }); // of one that was killed
    const started = spawn(process.execPath, [main], { env: { ...inherited(), ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
    child = started;
    for (const output of [started.stdout, started.stderr]) output.on('data', (chunk: Buffer) => { logs += chunk.toString(); });
    for (const deadline = Date.now() + READY_WITHIN_MS; ; await delay(25)) {
      const content = await readFile(file, 'utf8').catch(() => undefined);
      if (content) {
        dev = JSON.parse(content) as Dev;
        return;
      }
      if (hasEnded(started) || Date.now() > deadline) {
        started.kill('SIGKILL');
        throw new Error(`The system did not start (exit code ${started.exitCode}):\n${logs}`);
      }
    }
  };
  const end = async (signal: 'SIGTERM' | 'SIGKILL'): Promise<number | null> => {
    if (!child) return null;
    const ending = child;
    child = undefined;
    if (!hasEnded(ending)) {
      const exited = once(ending, 'exit');
      ending.kill(signal);
      await exited;
    }
    return ending.exitCode;
  };
  try {
    await start();
  } catch (error) {
    await database?.drop();
    throw error;
  }

  const token = async (claims: Claims): Promise<string> => {
    const response = await post(dev.token, claims);
    if (!response.ok) throw new Error(`No token: ${await response.text()}`);
    return (await response.json() as { access_token: string }).access_token;
  };
  const setClock = async (now: string | null): Promise<void> => {
    const response = await fetch(dev.clock, {
      method: 'PUT', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ now }),
    });
    if (!response.ok) throw new Error(`The clock was not set: ${await response.text()}`);
  };
  const latest: Latest = { position: undefined };
  const as = (roleOrToken: string): Client => new Client(() => dev, dev.tokens[roleOrToken] ?? roleOrToken, latest);
  return {
    get dev() {
      return dev;
    },
    dataDir,
    env,
    logs: () => logs,
    token,
    as,
    async newWorker(role, organization) {
      const orgId = dev.organizations[organization] ?? organization;
      const access = await token({ sub: `${role}-${randomUUID()}`, role, org_id: orgId, name: `A ${role} of ${organization}` });
      return { client: as(access), memberId: memberIdIn(access), orgId, role };
    },
    freeze: (time) => setClock(time),
    thaw: () => setClock(null),
    async kill() {
      await end('SIGKILL');
    },
    async restart() {
      await end('SIGTERM');
      await start();
    },
    async stop() {
      const exitCode = await end('SIGTERM');
      await database?.drop();
      return exitCode;
    },
  };
}

const hasEnded = ({ exitCode, signalCode }: ChildProcess): boolean => exitCode !== null || signalCode !== null;

/** Nothing of the machine's own settings decides what is tested. */
function inherited(): NodeJS.ProcessEnv {
  const { PATH, HOME, USER, TMPDIR, LANG, SystemRoot } = process.env;
  return { PATH, HOME, USER, TMPDIR, LANG, SystemRoot };
}
