import type { Places } from '@peerbridge/disclosure';
import { loadConfig } from '@peerbridge/platform';
import { openSystem } from '../../apps/system.js';

/** How a deployment tells places in its log: what only its own processes can read and make. @param env of one of them */
export async function placesOf(env: Readonly<Record<string, string>>): Promise<Places> {
  const own = await openSystem(loadConfig({ ...env, LOG_LEVEL: 'silent' }), 'test');
  await own.close();
  return own.places;
}
