import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, open, readdir, readFile, realpath, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { EmbeddedPostgresError, type PostgresBinaries } from './postgres-binaries.js';

export const SUPERUSER = 'peerbridge';
const MAJOR_VERSION = '18';
const PASSWORD_FILE = 'peerbridge.password';
const UNFINISHED = 'postgres.unfinished-';

/** What postmaster.pid says of the process that serves a folder. `status`: starting, stopping, ready. */
export interface Postmaster {
  pid: number;
  port: number;
  status: string;
}

/** PostgreSQL's data folder, `postgres` in the data directory, with the server's password and log in it. */
export class PostgresFolder {
  private constructor(readonly path: string, readonly password: string) {}

  get log(): string {
    return path.join(this.path, 'server.log');
  }

  /**
   * Opens the folder, made first where there is none. Processes that make it at the same time each fill one of their own;
   * whoever first gives it its name wins, so no lock is needed that a killed process could leave behind.
   * @throws EmbeddedPostgresError when it is not a data folder of this version
   */
  static async open(dataDir: string, binaries: PostgresBinaries): Promise<PostgresFolder> {
    const folder = path.join(await realpath(dataDir), 'postgres');
    if (await isAbsentOrEmpty(folder)) await initialize(folder, binaries);
    const version = await read(folder, 'PG_VERSION');
    if (version !== MAJOR_VERSION) {
      throw new EmbeddedPostgresError(
        `${folder} holds data of PostgreSQL ${version}, this is ${MAJOR_VERSION}: dump it with that version and restore it, `
        + 'or set DATA_DIR to another folder',
      );
    }
    return new PostgresFolder(folder, await read(folder, PASSWORD_FILE));
  }

  /** The pid in postmaster.pid, whoever that is by now. */
  async recordedPostmaster(): Promise<Postmaster | undefined> {
    const text = await readFile(path.join(this.path, 'postmaster.pid'), 'utf8').catch(() => '');
    const [pid, , , port, , , , status] = text.split('\n').map((line) => line.trim());
    return pid ? { pid: Number(pid), port: Number(port), status: status ?? 'starting' } : undefined;
  }

  /** Whether this process lives and serves this folder: the pid of one that was killed may be another's by now. */
  async isServedBy(pid: number): Promise<boolean> {
    const commandLine = await readFile(`/proc/${pid}/cmdline`, 'utf8').then((words) => words.replaceAll('\0', ' '))
      .catch(() => promisify(execFile)('ps', ['-ww', '-o', 'args=', '-p', String(pid)]).then(({ stdout }) => stdout, () => ''));
    return commandLine.includes(` -D ${this.path} `);
  }
}

/** @throws EmbeddedPostgresError when something else is in its place */
async function isAbsentOrEmpty(folder: string): Promise<boolean> {
  try {
    return (await readdir(folder)).length === 0;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return true;
    throw new EmbeddedPostgresError(
      code === 'ENOTDIR'
        ? `${folder} is not a folder: move it away, or set DATA_DIR to another folder`
        : `${folder} cannot be read (${code}): give this user access to it, or set DATA_DIR to another folder`,
      { cause: error },
    );
  }
}

async function read(folder: string, name: string): Promise<string> {
  try {
    return (await readFile(path.join(folder, name), 'utf8')).trim();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new EmbeddedPostgresError(
      code === 'ENOENT'
        ? `${folder} is damaged (${name} is missing): restore it from a backup, or move it away to begin with an empty database`
        : `${path.join(folder, name)} cannot be read (${code}): give this user access to it`,
      { cause: error },
    );
  }
}

async function initialize(folder: string, binaries: PostgresBinaries): Promise<void> {
  const dataDir = path.dirname(folder);
  await removeUnfinished(dataDir);
  const unfinished = path.join(dataDir, `${UNFINISHED}${process.pid}-${randomBytes(4).toString('hex')}`);
  const passwordFile = `${unfinished}.password`;
  try {
    await mkdir(unfinished, { mode: 0o700 });
    await writeFile(passwordFile, randomBytes(24).toString('base64url'), { mode: 0o600 });
    for (const file of [unfinished, passwordFile]) await binaries.own(file);
    await initdb(unfinished, passwordFile, binaries);
    await rename(passwordFile, path.join(unfinished, PASSWORD_FILE));
    for (const written of [path.join(unfinished, PASSWORD_FILE), unfinished]) await sync(written);
    await rename(unfinished, folder);
    await sync(dataDir);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    // Somebody else was first.
    if (code === 'ENOTEMPTY' || code === 'EEXIST') return;
    throw error instanceof EmbeddedPostgresError ? error : new EmbeddedPostgresError(
      `${folder} cannot be made (${code ?? String(error)}): give this user access to ${dataDir}, `
      + 'or set DATA_DIR to another folder',
      { cause: error },
    );
  } finally {
    for (const file of [unfinished, passwordFile]) await rm(file, { recursive: true, force: true });
  }
}

async function initdb(folder: string, passwordFile: string, binaries: PostgresBinaries): Promise<void> {
  const child = await binaries.spawn('initdb', [
    '-D', folder, `--username=${SUPERUSER}`, `--pwfile=${passwordFile}`, '--auth=scram-sha-256', '--encoding=UTF8',
    // Text sorts and folds alike on every system, whatever locales it has.
    '--locale=C', '--locale-provider=builtin', '--builtin-locale=C.UTF-8',
  ], folder, { stdio: ['ignore', 'ignore', 'pipe'] });
  let errors = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => { errors += text; });
  const [code] = await once(child, 'close');
  if (code === 0) return;
  const reason = errors.trim().replace(/\s*\n\s*/g, '; ') || `initdb ended with ${code}`;
  throw new EmbeddedPostgresError(`PostgreSQL cannot be set up in ${path.dirname(folder)}: ${reason}`);
}

/** What a process that was killed while it made the folder has left. */
async function removeUnfinished(dataDir: string): Promise<void> {
  for (const name of await readdir(dataDir)) {
    const [, pid] = new RegExp(`^${UNFINISHED}(\\d+)-`).exec(name) ?? [];
    if (pid && !isAlive(Number(pid))) await rm(path.join(dataDir, name), { recursive: true, force: true });
  }
}

export function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

async function sync(file: string): Promise<void> {
  const handle = await open(file, 'r');
  await handle.sync().finally(() => handle.close());
}
