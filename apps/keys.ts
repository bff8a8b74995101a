import { access } from 'node:fs/promises';
import type { Pool } from 'pg';
import { ConfigError, isDatabaseOutage, type Config, type Logger } from '@peerbridge/platform';
import { keysFromFile, type KeyEncryptionKeys, type Vault } from '@peerbridge/vault';

/**
 * The key-encryption keys. Where there is no file yet it is made, but only for a vault without keys: a fresh one opens none.
 * @throws ConfigError
 */
export async function openKeys(
  { keyEncryptionKeyFile: file, environment }: Config, pool: Pool, log: Logger,
): Promise<KeyEncryptionKeys> {
  const isThere = await access(file).then(() => true, ({ code }: NodeJS.ErrnoException) => code !== 'ENOENT');
  if (!isThere) {
    const { rows: [vault] } = await pool.query<{ begun: boolean }>('select exists(select from vault.key) as begun');
    if (vault!.begun) {
      throw new ConfigError([`KEY_ENCRYPTION_KEY_FILE: ${file} is missing, and a fresh key would open nothing that is in the `
        + 'database: put the file that its vault was begun with in its place']);
    }
  }
  try {
    const keys = await keysFromFile(file, { create: !isThere });
    if (!isThere && environment === 'production') {
      log.warn({ file }, 'A key-encryption key was made: keep a copy of its file apart, without it nothing can be read again');
    }
    return keys;
  } catch (error) {
    throw new ConfigError([`KEY_ENCRYPTION_KEY_FILE: ${(error as Error).message}`]);
  }
}

/** Of processes that begin one vault with files of their own, all but the first end here. @throws ConfigError */
export async function requireToOpen(vault: Vault, file: string): Promise<void> {
  try {
    await vault.bodyHash('');
  } catch (error) {
    if (isDatabaseOutage(error)) throw error;
    throw new ConfigError([`KEY_ENCRYPTION_KEY_FILE: ${file} does not open the vault in the database: put the file that it was `
      + 'begun with in its place']);
  }
}
