import { createHash } from 'node:crypto';
import { DomainError, memberIdOf, type Caller } from '@peerbridge/kernel';
import { createRemoteJWKSet, errors, jwtVerify, type JWTVerifyGetKey } from 'jose';
import { ZodError } from 'zod';
import { tokenClaims } from './claims.js';

const ALGORITHMS = ['ES256', 'RS256', 'PS256', 'EdDSA'];
/** Between this clock and that of an outside issuer. */
const CLOCK_SKEW_SECONDS = 30;
/** A key that its issuer has withdrawn stops opening doors within this time. */
const REMEMBERED_FOR_MS = 5 * 60_000;
const REMEMBERED_TOKENS = 10_000;

/** Where tokens come from, and the keys they are signed with. */
export interface TokenIssuer {
  issuer: string;
  audience: string;
  keys: JWTVerifyGetKey;
  /** How far its clock may be from ours; default: it is the same clock. */
  skewSeconds?: number;
}

/** An outside issuer. Its keys are fetched when needed and again when a token names one that is not known yet. */
export const remoteIssuer = (config: { issuer: string; audience: string; jwksUrl: string }): TokenIssuer => ({
  issuer: config.issuer,
  audience: config.audience,
  skewSeconds: CLOCK_SKEW_SECONDS,
  keys: createRemoteJWKSet(new URL(config.jwksUrl), { timeoutDuration: 5000, cooldownDuration: 10_000, cacheMaxAge: 600_000 }),
});

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
  ) {}

  /**
   * @param authorization the header, `Bearer <token>`
   * @throws DomainError UNAUTHENTICATED, without saying what is wrong with the token
   */
  async authenticate(authorization: unknown): Promise<Authenticated> {
    const token = typeof authorization === 'string' ? /^Bearer +([\w.~+/=-]+) *$/i.exec(authorization)?.[1] : undefined;
    if (!token) throw unauthenticated();
    const key = createHash('sha256').update(token).digest('base64');
    const known = this.remembered.get(key);
    if (known && known.until > Date.now()) return known;
    this.remembered.delete(key);
    const verified = await this.verify(token);
    this.remember(key, verified);
    return verified;
  }

  private async verify(token: string): Promise<Authenticated> {
    const { keys, issuer, audience, skewSeconds = 0 } = this.trusted;
    try {
      const { payload } = await jwtVerify(token, keys, {
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
      if (isTroubleWithKeys(error)) this.keysUnavailable(error);
      throw unauthenticated();
    }
  }

  private remember(key: string, verified: Authenticated): void {
    const until = Math.min(verified.expiresAt, Date.now() + REMEMBERED_FOR_MS);
    if (this.remembered.size >= REMEMBERED_TOKENS) {
      for (const oldest of this.remembered.keys()) {
        this.remembered.delete(oldest);
        break;
      }
    }
    this.remembered.set(key, { ...verified, until });
  }
}

const unauthenticated = (): DomainError =>
  new DomainError('UNAUTHENTICATED', 'A valid bearer token is required.');

const KEY_TROUBLES = ['ERR_JWKS_TIMEOUT', 'ERR_JWKS_INVALID', 'ERR_JOSE_GENERIC'];

const isTroubleWithKeys = (error: unknown): boolean =>
  error instanceof errors.JOSEError ? KEY_TROUBLES.includes(error.code) : !(error instanceof ZodError);
