/** The test run's temporary folder: its PostgreSQL, which the first test that needs one starts, and what tests put there. */
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

const PREFIX = 'peerbridge-test-run-';

/** Named after this process, so that a later run can tell what a killed one has left. */
export async function makeTestDataDir() {
  for (const name of await readdir(tmpdir())) {
    const [, pid] = new RegExp(`^${PREFIX}(\\d+)-`).exec(name) ?? [];
    if (pid && !isAlive(Number(pid))) await removeTestDataDir(path.join(tmpdir(), name)).catch(() => undefined);
  }
  return mkdtemp(path.join(tmpdir(), `${PREFIX}${process.pid}-`));
}

export async function removeTestDataDir(dataDir) {
  for (const file of await readdir(dataDir, { recursive: true })) {
    if (path.basename(file) === 'postmaster.pid') await killPostgres(path.join(dataDir, path.dirname(file)));
  }
  // Again and again, as processes that are just ending may still write.
  await rm(dataDir, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 });
}

/** PostgreSQL's immediate shutdown, for data that nobody wants. It has ended when it has taken its lock file away. */
export async function killPostgres(folder) {
  const postmaster = () => readFile(path.join(folder, 'postmaster.pid'), 'utf8').then(Number.parseInt, () => undefined);
  const pid = await postmaster();
  if (!pid || pid === process.pid || !isAlive(pid)) return;
  process.kill(pid, 'SIGQUIT');
  while (await postmaster() === pid && isAlive(pid)) await delay(20);
}

/** Whether there is such a process, be it ours or not. */
export function isAlive(pid) {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return error.code === 'EPERM';
  }
}
