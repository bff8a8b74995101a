import { link, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DomainError } from '@peerbridge/kernel';
import {
  calculateJwkThumbprint, createLocalJWKSet, exportJWK, generateKeyPair, importJWK, SignJWT, type CryptoKey, type JSONWebKeySet,
} from 'jose';
import { z } from 'zod';
import type { TokenIssuer } from './authenticator.js';
import { requestedClaims } from './claims.js';

/** Part of every member's id: the same on every machine and port, so that the fixture's members are too. */
export const DEV_ISSUER = 'urn:peerbridge:dev';
export const DEV_AUDIENCE = 'peerbridge';
const VALID_FOR_SECONDS = 12 * 60 * 60;

const storedKey = z.object({ kty: z.literal('EC'), crv: z.literal('P-256'), x: z.string(), y: z.string(), d: z.string() });
type StoredKey = z.output<typeof storedKey>;

export interface IssuedToken {
  access_token: string;
  expires_in: number;
}

/** Issues a token to whoever asks, for whomever they like: for development, and refused in production. */
export class DevIssuer implements TokenIssuer {
  readonly issuer = DEV_ISSUER;
  readonly audience = DEV_AUDIENCE;
  readonly keys: TokenIssuer['keys'];

  private constructor(
    private readonly privateKey: CryptoKey | Uint8Array,
    private readonly keyId: string,
    /** The public half, for others who verify. */
    readonly jwks: JSONWebKeySet,
  ) {
    this.keys = createLocalJWKSet(jwks);
  }

  /**
   * The key is kept in `dev-issuer.json`, readable by its owner alone, so that tokens outlive a restart.
   * @param options.create false: whoever only verifies makes no key. @throws DomainError UNAUTHENTICATED where there is none
   */
  static async open(options: { dataDir: string; environment: string; create?: boolean }): Promise<DevIssuer> {
    if (options.environment === 'production') throw new Error('The issuer of development is refused in production');
    const file = join(options.dataDir, 'dev-issuer.json');
    const key = options.create === false ? await keyStoredIn(file) : await keyIn(file);
    if (!key) throw new DomainError('UNAUTHENTICATED', 'Tokens of development are verified in the DATA_DIR of the system.');
    const { d: _private, ...publicKey } = key;
    const keyId = await calculateJwkThumbprint(publicKey);
    const jwks = { keys: [{ ...publicKey, kid: keyId, alg: 'ES256', use: 'sig' }] };
    return new DevIssuer(await importJWK(key, 'ES256'), keyId, jwks);
  }

  /**
   * @param claims role, sub and whom they act for; iss, aud and exp have defaults (valid for twelve hours)
   * @throws DomainError BAD_REQUEST where a claim is missing or malformed
   */
  async issue(claims: unknown): Promise<IssuedToken> {
    const parsed = requestedClaims.safeParse(claims);
    if (!parsed.success) throw new DomainError('BAD_REQUEST', z.prettifyError(parsed.error));
    const now = Math.floor(Date.now() / 1000);
    const all = { iss: DEV_ISSUER, aud: DEV_AUDIENCE, exp: now + VALID_FOR_SECONDS, iat: now, ...parsed.data };
    const token = await new SignJWT(all).setProtectedHeader({ alg: 'ES256', typ: 'JWT', kid: this.keyId }).sign(this.privateKey);
    return { access_token: token, expires_in: all.exp - now };
  }
}

async function keyIn(path: string): Promise<StoredKey> {
  const stored = await keyStoredIn(path);
  if (stored) return stored;
  const { privateKey } = await generateKeyPair('ES256', { extractable: true });
  const fresh = `${path}.${process.pid}.new`;
  await mkdir(join(path, '..'), { recursive: true });
  await writeFile(fresh, JSON.stringify(storedKey.parse(await exportJWK(privateKey))), { mode: 0o600 });
  // Of processes that start together one makes the file, and all sign with that one's key.
  await link(fresh, path).catch((exists: NodeJS.ErrnoException) => { if (exists.code !== 'EEXIST') throw exists; });
  await rm(fresh);
  return keyIn(path);
}

/** Undefined where there is no such file. */
async function keyStoredIn(path: string): Promise<StoredKey | undefined> {
  try {
    return storedKey.parse(JSON.parse(await readFile(path, 'utf8')));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new Error(`The file ${path} holds no signing key: remove it to have a new one made`, { cause: error });
  }
}
