import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

/** Ends the broker that spec files shared (see kafka.ts), if there is one. */
export async function killSharedKafka(dataDir) {
  const shared = await readFile(path.join(dataDir, 'kafka', 'shared.json'), 'utf8').catch(() => undefined);
  if (!shared) return;
  const { pid } = JSON.parse(shared);
  try {
    process.kill(pid, 'SIGKILL');
    while (process.kill(pid, 0)) await delay(20);
  } catch (error) {
    if (error.code !== 'ESRCH') throw error;
  }
}
