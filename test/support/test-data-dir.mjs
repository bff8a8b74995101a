/** The folder of this test run's PostgreSQL, which the first test that needs a database starts (see postgres.ts). */
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

const PREFIX = 'peerbridge-test-run-';

/** Named after this process, so that a later run can tell what a killed one has left. */
export async function makeTestDataDir() {
  for (const name of await readdir(tmpdir())) {
    const [, pid] = new RegExp(`^${PREFIX}(\\d+)-`).exec(name) ?? [];
    if (pid && !isAlive(Number(pid))) await removeTestDataDir(path.join(tmpdir(), name));
  }
  return mkdtemp(path.join(tmpdir(), `${PREFIX}${process.pid}-`));
}

export async function removeTestDataDir(dataDir) {
  const recorded = await readFile(path.join(dataDir, 'postgres', 'postmaster.pid'), 'utf8').catch(() => '');
  const pid = Number.parseInt(recorded, 10);
  if (pid && isAlive(pid)) {
    // Nobody wants the data: PostgreSQL's immediate shutdown.
    process.kill(pid, 'SIGQUIT');
    while (isAlive(pid)) await delay(20);
  }
  await rm(dataDir, { recursive: true, force: true });
}

function isAlive(pid) {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return error.code === 'EPERM';
  }
}
