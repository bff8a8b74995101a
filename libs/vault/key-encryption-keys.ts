import { randomBytes } from 'node:crypto';
import { link, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { z } from 'zod';

/** The keys that wrap all others. They come from outside the database, so that a stolen database opens nothing. */
export interface KeyEncryptionKeys {
  /** The version that new keys are wrapped under. */
  readonly current: number;
  /** 32 bytes. @throws Error where the version is not known (any more) */
  key(version: number): Buffer;
}

const keyFile = z.object({
  current: z.number().int().positive(),
  keys: z.record(z.string().regex(/^\d+$/), z.base64()),
});

/**
 * Key-encryption keys from a file of mode 0600: `{"current": 1, "keys": {"1": "<32 bytes, base64>"}}`.
 * @param options.create make the file with a fresh key where there is none: development only
 */
export async function keysFromFile(path: string, options: { create: boolean }): Promise<KeyEncryptionKeys> {
  const text = await readFile(path, 'utf8').catch(async (error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT' || !options.create) {
      throw new Error(`Cannot read the key-encryption keys in ${path}: ${error.code}`);
    }
    const fresh = `${path}.${process.pid}.new`;
    await mkdir(dirname(path), { recursive: true });
    await writeFile(fresh, JSON.stringify({ current: 1, keys: { 1: randomBytes(32).toString('base64') } }), { mode: 0o600 });
    // Of processes that start together one makes the file, and all use that one's keys.
    await link(fresh, path).catch((exists: NodeJS.ErrnoException) => { if (exists.code !== 'EEXIST') throw exists; });
    await rm(fresh);
    return readFile(path, 'utf8');
  });
  const parsed = keyFile.safeParse(parseJson(text));
  if (!parsed.success) throw new Error(`The file ${path} holds no key-encryption keys`);
  const keys = new Map(Object.entries(parsed.data.keys).map(([version, key]) => [Number(version), Buffer.from(key, 'base64')]));
  const lookUp = (version: number): Buffer => {
    const key = keys.get(version);
    if (key?.length !== 32) throw new Error(`${path} holds no key-encryption key of 32 bytes for version ${version}`);
    return key;
  };
  lookUp(parsed.data.current);
  return { current: parsed.data.current, key: lookUp };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
