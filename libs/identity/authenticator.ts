import { createHash } from 'node:crypto';
import { DomainError, memberIdOf, unavailable, type Caller } from '@peerbridge/kernel';
import {
  createLocalJWKSet, createRemoteJWKSet, errors, jwtVerify, type JWTVerifyGetKey, type JWTVerifyOptions, type JWTVerifyResult,
} from 'jose';
import { ZodError } from 'zod';
import { tokenClaims } from './claims.js';

const ALGORITHMS = ['ES256', 'RS256', 'PS256', 'EdDSA'];
/** Between this clock and that of an outside issuer. */
const CLOCK_SKEW_SECONDS = 30;
/** A key that its issuer has withdrawn stops opening doors within this time. */
const REMEMBERED_FOR_MS = 5 * 60_000;
const REMEMBERED_TOKENS = 10_000;
/** An issuer whose keys cannot be had, or who has just been asked, is not asked again for so long. */
const RETRY_AFTER_MS = 10_000;

/** Where tokens come from, and the keys they are signed with. */
export interface TokenIssuer {
  issuer: string;
  audience: string;
  keys: JWTVerifyGetKey;
  /** How far its clock may be from ours; default: it is the same clock. */
  skewSeconds?: number;
}

/**
 * An outside issuer. Its keys are fetched when needed and again when a token names one that is not known yet. While they cannot
 * be had, those that are known go on opening doors.
 */
export const remoteIssuer = (config: { issuer: string; audience: string; jwksUrl: string }): TokenIssuer => ({
  issuer: config.issuer,
  audience: config.audience,
  skewSeconds: CLOCK_SKEW_SECONDS,
  keys: keptKeys(createRemoteJWKSet(new URL(config.jwksUrl), {
    timeoutDuration: 5000, cooldownDuration: RETRY_AFTER_MS, cacheMaxAge: 600_000,
  })),
});

function keptKeys(remote: ReturnType<typeof createRemoteJWKSet>): JWTVerifyGetKey {
  let trouble: { error: unknown; until: number } | undefined;
  const known: JWTVerifyGetKey = async (header, token) => {
    const keys = remote.jwks();
    if (!keys) throw trouble?.error;
    try {
      return await createLocalJWKSet(keys)(header, token);
    } catch (error) {
      // It may be signed with a key that was published meanwhile.
      throw error instanceof errors.JWKSNoMatchingKey ? trouble?.error : error;
    }
  };
  return async (header, token) => {
    if (trouble && Date.now() < trouble.until) return known(header, token);
    try {
      const key = await remote(header, token);
      trouble = undefined;
      return key;
    } catch (error) {
      if (!isTroubleWithKeys(error)) throw error;
      trouble = { error, until: Date.now() + RETRY_AFTER_MS };
      return known(header, token);
    }
  };
}

/** A caller, and when the token that says so ends. */
export interface Authenticated {
  caller: Caller;
  /** Milliseconds since the epoch, in real time: a frozen domain clock keeps no token alive. */
  expiresAt: number;
}

/** Tells who bears a token. */
export class Authenticator {
  /** By hash: no token outlives its request in memory. Oldest first. */
  private readonly remembered = new Map<string, Authenticated & { until: number }>();

  constructor(
    private readonly trusted: TokenIssuer,
    /** Told when the issuer's keys cannot be had: that is no fault of the caller. */
    private readonly keysUnavailable: (error: unknown) => void = () => {},
    /** Told which claims of a token that is well signed are missing or malformed, and never what they say. */
    private readonly claimsRefused: (claims: readonly string[]) => void = () => {},
    /** Told who bears a token, each time that it is verified. */
    private readonly verified: (bearer: Authenticated) => Promise<void> = async () => {},
  ) {}

  /**
   * @param authorization the header, `Bearer <token>`
   * @throws DomainError UNAUTHENTICATED, without saying what is wrong with the token; UNAVAILABLE where its issuer's keys
   *   cannot be had
   */
  async authenticate(authorization: unknown): Promise<Authenticated> {
    const token = typeof authorization === 'string' ? /^Bearer +([\w.~+/=-]+) *$/i.exec(authorization)?.[1] : undefined;
    if (!token) throw unauthenticated();
    const key = createHash('sha256').update(token).digest('base64');
    const known = this.remembered.get(key);
    if (known && known.until > Date.now()) return known;
    this.remembered.delete(key);
    const bearer = await this.verify(token);
    await this.verified(bearer);
    this.remember(key, bearer);
    return bearer;
  }

  private async verify(token: string): Promise<Authenticated> {
    const { keys, issuer, audience, skewSeconds = 0 } = this.trusted;
    try {
      const { payload } = await verifiedByAny(token, keys, {
        issuer, audience, algorithms: ALGORITHMS, clockTolerance: skewSeconds,
        requiredClaims: ['iss', 'aud', 'exp', 'sub'],
      });
      const claims = tokenClaims.parse(payload);
      return {
        expiresAt: claims.exp * 1000,
        caller: {
          memberId: memberIdOf(claims.iss, claims.sub),
          role: claims.role,
          // Somebody who acts for no organization is their own.
          orgId: claims.org_id ?? claims.participant_id as string,
          ...(claims.participant_id !== undefined && { participantId: claims.participant_id }),
          ...(claims.name !== undefined && { name: claims.name }),
        },
      };
    } catch (error) {
      if (isTroubleWithKeys(error)) {
        this.keysUnavailable(error);
        throw unavailable('The keys of the token issuer cannot be had; repeat the request.');
      }
      const claims = claimsAtFault(error);
      if (claims.length > 0) this.claimsRefused(claims);
      throw unauthenticated();
    }
  }

  private remember(key: string, bearer: Authenticated): void {
    const until = Math.min(bearer.expiresAt, Date.now() + REMEMBERED_FOR_MS);
    if (this.remembered.size >= REMEMBERED_TOKENS) {
      for (const oldest of this.remembered.keys()) {
        this.remembered.delete(oldest);
        break;
      }
    }
    this.remembered.set(key, { ...bearer, until });
  }
}

const unauthenticated = (): DomainError =>
  new DomainError('UNAUTHENTICATED', 'A valid bearer token is required.');

/** A token that does not name its key is tried against each that fits. */
async function verifiedByAny(token: string, keys: JWTVerifyGetKey, options: JWTVerifyOptions): Promise<JWTVerifyResult> {
  try {
    return await jwtVerify(token, keys, options);
  } catch (error) {
    if (!(error instanceof errors.JWKSMultipleMatchingKeys)) throw error;
    for await (const key of error) {
      try {
        return await jwtVerify(token, key, options);
      } catch (refused) {
        if (!(refused instanceof errors.JWSSignatureVerificationFailed)) throw refused;
      }
    }
    throw new errors.JWSSignatureVerificationFailed();
  }
}

/** By name. That a token has ended is nobody's mistake. */
function claimsAtFault(error: unknown): string[] {
  if (error instanceof ZodError) return [...new Set(error.issues.map(({ path }) => String(path[0])))];
  return error instanceof errors.JWTClaimValidationFailed ? [error.claim] : [];
}

const KEY_TROUBLES = ['ERR_JWKS_TIMEOUT', 'ERR_JWKS_INVALID', 'ERR_JOSE_GENERIC'];

const isTroubleWithKeys = (error: unknown): boolean =>
  error instanceof errors.JOSEError ? KEY_TROUBLES.includes(error.code) : !(error instanceof ZodError);
