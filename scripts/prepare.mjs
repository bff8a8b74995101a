/** Installs and builds what is missing or out of date, without a word when nothing is. Runs before anything is installed. */
import { spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { cp, mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');
const dist = path.join(root, 'dist');
const sourceFolders = ['apps', 'libs'];
const STAMP = '.sources-sha256';

export async function prepare() {
  await ensureInstalled();
  await ensureBuilt();
}

/** Runs `npm ci` unless node_modules holds what package-lock.json asks for. */
export async function ensureInstalled() {
  if (await isInstalled()) return;
  say('Installing packages (npm ci) ...');
  await run('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], 'The packages cannot be installed');
}

/** npm keeps what it installed in a lock file of its own. Optional packages are those of other platforms. */
async function isInstalled() {
  const wanted = JSON.parse(await readFile(path.join(root, 'package-lock.json'), 'utf8')).packages;
  const text = await readFile(path.join(root, 'node_modules', '.package-lock.json'), 'utf8').catch(() => '{}');
  const installed = JSON.parse(text).packages ?? {};
  return Object.entries(wanted).every(([name, { version, optional }]) =>
    name === '' || installed[name]?.version === version || (optional && !installed[name]));
}

/** Builds `dist` unless it is of the present sources. */
export async function ensureBuilt() {
  const sources = await hashSources();
  if (await isBuilt(dist, sources)) return;
  say('Building ...');
  await build(dist, sources);
}

/** A build of the present sources that nobody replaces meanwhile, for tests. Returns its folder. */
export async function buildForTests() {
  const sources = await hashSources();
  const builds = path.join(root, '.cache', 'build');
  const folder = path.join(builds, sources.slice(0, 16));
  if (!await isBuilt(folder, sources)) {
    await removeOlderThan(builds, Date.now() - 3_600_000);
    await build(folder, sources);
  }
  return folder;
}

const isBuilt = async (folder, sources) => await readFile(path.join(folder, STAMP), 'utf8').catch(() => '') === sources;

async function build(folder, sources) {
  const fresh = path.join(root, '.cache', `building-${process.pid}-${randomBytes(4).toString('hex')}`);
  try {
    const swc = path.join(root, 'node_modules', '@swc', 'cli', 'bin', 'swc.js');
    const args = [...sourceFolders, '--out-dir', fresh, '--config-file', '.swcrc', '--ignore', '**/*.spec.ts', '--quiet'];
    await run(process.execPath, [swc, ...args], 'The sources cannot be built');
    for (const file of await sourceFiles()) {
      if (file.endsWith('.ts')) continue;
      await mkdir(path.dirname(path.join(fresh, file)), { recursive: true });
      await cp(path.join(root, file), path.join(fresh, file));
    }
    await writeFile(path.join(fresh, STAMP), sources);
    await mkdir(path.dirname(folder), { recursive: true });
    await rename(fresh, folder).catch(async () => {
      // Another process may have built the same meanwhile, and have started it: it is not taken away from there.
      if (await isBuilt(folder, sources)) return;
      await rm(folder, { recursive: true, force: true });
      await rename(fresh, folder);
    });
  } finally {
    await rm(fresh, { recursive: true, force: true });
  }
}

async function sourceFiles() {
  const found = await Promise.all(sourceFolders.map((folder) =>
    readdir(path.join(root, folder), { recursive: true, withFileTypes: true })));
  return found.flat().filter((entry) => entry.isFile() && !entry.name.endsWith('.spec.ts'))
    .map((entry) => path.relative(root, path.join(entry.parentPath ?? entry.path, entry.name))).sort();
}

async function hashSources() {
  const hash = createHash('sha256');
  for (const file of ['.swcrc', 'package-lock.json', ...await sourceFiles()]) {
    hash.update(`${file}\0`).update(await readFile(path.join(root, file))).update('\0');
  }
  return hash.digest('hex');
}

async function removeOlderThan(folder, time) {
  for (const name of await readdir(folder).catch(() => [])) {
    const file = path.join(folder, name);
    const { mtimeMs } = await stat(file).catch(() => ({ mtimeMs: Infinity }));
    if (mtimeMs < time) await rm(file, { recursive: true, force: true });
  }
}

/** Everything said goes to stderr: stdout is for the data of the command that follows. */
async function run(command, args, failure) {
  const child = spawn(command, args, { cwd: root, stdio: ['ignore', 2, 2], shell: process.platform === 'win32' });
  // Who stops us stops it, too: nothing goes on writing behind the next start's back.
  const forward = (signal) => child.kill(signal);
  for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, forward);
  const outcome = await new Promise((resolve) => {
    child.once('error', (error) => resolve(error.message));
    child.once('exit', (code, signal) => resolve(code === 0 ? undefined : `${command} ended with ${signal ?? code}`));
  });
  for (const signal of ['SIGINT', 'SIGTERM']) process.off(signal, forward);
  if (outcome === undefined) return;
  say(`${failure}: ${outcome}`);
  process.exit(1);
}

function say(message) {
  process.stderr.write(`${message}\n`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await prepare();
