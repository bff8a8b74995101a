import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { openEmbeddedPostgres, type EmbeddedPostgres } from '@peerbridge/platform';
import pg from 'pg';
import { testRunFolder } from './support/postgres.js';
import { compiledDist } from './support/run-typescript.js';
import { killPostgres } from './support/test-data-dir.mjs';

const PROCESS = path.join(import.meta.dirname, 'support', 'embedded-postgres-process.mjs');

let dist: string;
let temporary: string;
/** A data folder that was set up once; copies of it save the tests an initdb each. */
let template: string;
let dataDir: string;
const processes: ChildProcess[] = [];

beforeAll(async () => {
  dist = await compiledDist();
  temporary = await mkdtemp(path.join(testRunFolder(), 'embedded-'));
  template = path.join(temporary, 'template');
  await (await openEmbeddedPostgres({ dataDir: template })).close();
});

afterEach(async () => {
  for (const child of processes.splice(0)) child.kill('SIGKILL');
  await killPostgres(path.join(dataDir, 'postgres'));
});

afterAll(() => rm(temporary, { recursive: true, force: true }));

async function useSetUpFolder(): Promise<string> {
  await useNewFolder();
  await cp(template, dataDir, { recursive: true });
  return path.join(dataDir, 'postgres');
}

async function useNewFolder(): Promise<void> {
  dataDir = await mkdtemp(path.join(temporary, 'data-'));
}

async function postmaster(): Promise<number | undefined> {
  const text = await readFile(path.join(dataDir, 'postgres', 'postmaster.pid'), 'utf8').catch(() => '');
  return Number.parseInt(text, 10) || undefined;
}

async function unfinished(): Promise<string[]> {
  return (await readdir(dataDir)).filter((name) => name.startsWith('postgres.unfinished'));
}

/** Another process that uses the folder. */
async function startProcess(): Promise<{ url?: string; error?: string; child: ChildProcess; leave(): Promise<number> }> {
  const child = spawn(process.execPath, [PROCESS, dist, dataDir], { stdio: ['pipe', 'pipe', 'inherit'] });
  processes.push(child);
  const [line] = await once(createInterface({ input: child.stdout! }), 'line') as [string];
  return {
    ...JSON.parse(line) as { url?: string; error?: string },
    child,
    leave: async () => {
      child.stdin!.end();
      const [code] = await once(child, 'exit') as [number];
      return code;
    },
  };
}

async function query(url: string | undefined, statement: string): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: url });
  client.on('error', () => undefined);
  await client.connect();
  return (await client.query(statement).finally(() => client.end())).rows as unknown[];
}

describe('The embedded PostgreSQL', () => {
  it('keeps its data over a stop and a start', async () => {
    await useNewFolder();
    const first = await openEmbeddedPostgres({ dataDir });
    await query(first.url, 'create table kept as select 1 as value');
    await first.close();
    expect(await postmaster()).toBeUndefined();

    const second = await openEmbeddedPostgres({ dataDir });
    expect(await query(second.url, 'select value from kept')).toEqual([{ value: 1 }]);
    await second.close();
  });

  it('writes durably, runs no just-in-time compiler, and tells the log no statement', async () => {
    const folder = await useSetUpFolder();
    const server = await openEmbeddedPostgres({ dataDir });
    const [settings] = await query(server.url, `select current_setting('fsync') as fsync, current_setting('jit') as jit,
      current_setting('synchronous_commit') as commits, current_setting('timezone') as timezone, version()`);
    expect(settings).toMatchObject({
      fsync: 'on', commits: 'on', jit: 'off', timezone: 'UTC', version: expect.stringContaining('PostgreSQL 18'),
    });
    await expect(query(server.url, `select 'canary'::int`)).rejects.toThrow('canary');
    await server.close();
    const log = await readFile(path.join(folder, 'server.log'), 'utf8');
    expect(log).toContain('database system is ready');
    expect(log).not.toContain('canary');
  });

  it.each([
    ['PGSSLMODE', 'require'], ['PGSSLMODE', 'verify-full'], ['PGSSLNEGOTIATION', 'direct'],
    ['PGHOST', '192.0.2.1'], ['PGPORT', '1'], ['PGUSER', 'somebody'], ['PGDATABASE', 'elsewhere'], ['PGPASSWORD', 'theirs'],
  ])('is not what %s=%s in the shell is about', async (name, value) => {
    await useSetUpFolder();
    const before = process.env[name];
    process.env[name] = value;
    try {
      const server = await openEmbeddedPostgres({ dataDir });
      expect(await query(server.url, 'select current_user as name')).toEqual([{ name: 'peerbridge' }]);
      await server.close();
    } finally {
      if (before === undefined) delete process.env[name];
      else process.env[name] = before;
    }
  });

  it('keeps its password to itself', async () => {
    const folder = await useSetUpFolder();
    expect((await stat(path.join(folder, 'peerbridge.password'))).mode & 0o777).toBe(0o600);
    const server = await openEmbeddedPostgres({ dataDir });
    const url = new URL(server.url);
    url.password = 'guessed';
    await expect(query(url.href, 'select 1')).rejects.toThrow('password authentication failed');
    await server.close();
  });

  it('serves a second process beside the first, until both have left', async () => {
    await useSetUpFolder();
    const first = await startProcess();
    const second = await startProcess();
    expect(second.url).toBe(first.url);
    const pid = await postmaster();
    expect(pid).toBeDefined();

    expect(await first.leave()).toBe(0);
    expect(await query(second.url, 'select 1 as one')).toEqual([{ one: 1 }]);
    expect(await postmaster()).toBe(pid);

    expect(await second.leave()).toBe(0);
    expect(await postmaster()).toBeUndefined();
  });

  it('survives a process that is killed, and is found by the next', async () => {
    await useSetUpFolder();
    const killed = await startProcess();
    await query(killed.url, 'create table kept as select 1 as value');
    const pid = await postmaster();
    killed.child.kill('SIGKILL');
    await once(killed.child, 'exit');

    const heir = await startProcess();
    expect(heir.url).toBe(killed.url);
    expect(await postmaster()).toBe(pid);
    expect(await query(heir.url, 'select value from kept')).toEqual([{ value: 1 }]);
    expect(await heir.leave()).toBe(0);
    expect(await postmaster()).toBeUndefined();
  });

  it('is out of reach of the terminal that started it', async () => {
    await useSetUpFolder();
    const started = await startProcess();
    const pid = await postmaster();
    const group = (await readFile(`/proc/${pid}/stat`, 'utf8')).split(') ')[1]!.split(' ')[2];
    expect(Number(group)).toBe(pid);
    await started.leave();
  });

  it('is one server, though several processes start it first at the same time', async () => {
    await useNewFolder();
    const racers = await Promise.all([startProcess(), startProcess(), startProcess()]);
    expect(racers.map(({ error }) => error)).toEqual([undefined, undefined, undefined]);
    expect(new Set(racers.map(({ url }) => url)).size).toBe(1);
    expect(await unfinished()).toEqual([]);
    expect(await Promise.all(racers.map((racer) => racer.leave()))).toEqual([0, 0, 0]);
    expect(await postmaster()).toBeUndefined();
  });

  it('starts again for who comes while the last one leaves', async () => {
    await useSetUpFolder();
    let server = await openEmbeddedPostgres({ dataDir });
    for (let round = 0; round < 5; round += 1) {
      const [, next]: [void, EmbeddedPostgres] = await Promise.all([server.close(), openEmbeddedPostgres({ dataDir })]);
      expect(await query(next.url, 'select 1 as one')).toEqual([{ one: 1 }]);
      server = next;
    }
    await server.close();
  });

  it('comes back at the same address when it was killed', async () => {
    await useSetUpFolder();
    const server = await openEmbeddedPostgres({ dataDir });
    await query(server.url, 'create table kept as select 1 as value');
    process.kill((await postmaster())!, 'SIGKILL');
    for (let rows: unknown[] | undefined; !rows;) {
      rows = await query(server.url, 'select value from kept').catch(() => delay(50, undefined));
      if (rows) expect(rows).toEqual([{ value: 1 }]);
    }
    await server.close();
    expect(await postmaster()).toBeUndefined();
  });

  it.each([
    ['a process that is no more', () => 4_194_303],
    ['a process that is something else by now', () => process.pid],
  ])('minds no lock file of %s', async (_whose, pid) => {
    const folder = await useSetUpFolder();
    await writeFile(path.join(folder, 'postmaster.pid'), `${pid()}\n${folder}\n1700000000\n5432\n\n127.0.0.1\n  1 1\nready   \n`);
    const server = await openEmbeddedPostgres({ dataDir });
    expect(await query(server.url, 'select 1 as one')).toEqual([{ one: 1 }]);
    await server.close();
  });

  it('clears away what a first start that was killed has left', async () => {
    await useNewFolder();
    await mkdir(path.join(dataDir, 'postgres.unfinished-4194303-0badcafe'));
    await writeFile(path.join(dataDir, 'postgres.unfinished-4194303-0badcafe.password'), 'secret');
    await (await openEmbeddedPostgres({ dataDir })).close();
    expect(await unfinished()).toEqual([]);
  });
});

describe('A folder that cannot be used', () => {
  const refusal = () => openEmbeddedPostgres({ dataDir }).then(() => 'started', (error: Error) => error.message);

  it('is named when its version is unknown', async () => {
    const folder = await useSetUpFolder();
    await rm(path.join(folder, 'PG_VERSION'));
    expect(await refusal()).toBe(
      `${folder} is damaged (PG_VERSION is missing): restore it from a backup, or move it away to begin with an empty database`);
  });

  it('is named when it is of another major version', async () => {
    const folder = await useSetUpFolder();
    await writeFile(path.join(folder, 'PG_VERSION'), '15\n');
    expect(await refusal()).toBe(`${folder} holds data of PostgreSQL 15, this is 18: dump it with that version and restore it, `
      + 'or set DATA_DIR to another folder');
  });

  it('is named when PostgreSQL does not start in it', async () => {
    const folder = await useSetUpFolder();
    await rm(path.join(folder, 'global', 'pg_control'));
    expect(await refusal()).toMatch(
      new RegExp(`^PostgreSQL does not start in ${folder} \\(.*\\): see ${folder}/server.log; .*damaged`),
    );
  });

  it('is named when a file is in its place', async () => {
    await useNewFolder();
    await writeFile(path.join(dataDir, 'postgres'), '');
    expect(await refusal()).toBe(`${dataDir}/postgres is not a folder: move it away, or set DATA_DIR to another folder`);
  });

  it('is named when a file is where the data directory should be', async () => {
    await useNewFolder();
    dataDir = path.join(dataDir, 'file');
    await writeFile(dataDir, '');
    expect(await refusal()).toBe(`${dataDir} cannot be used as a folder (EEXIST): set DATA_DIR to another one`);
  });
});
