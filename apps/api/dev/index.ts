import { fixtureClaims, fixtureMembers, type DevIssuer } from '@peerbridge/identity';
import { DomainError, roles, type AdjustableClock } from '@peerbridge/kernel';
import type { Config, Logger } from '@peerbridge/platform';
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { formatted, refusalOf } from '../http/errors.js';
import { explorer } from './explorer.js';
import { isFromHere } from './loopback.js';

const clockSetting = z.strictObject({ now: z.iso.datetime({ offset: true }).nullable() });

/**
 * What makes developing easy and must not exist in production: tokens for the asking, a clock that can be set, the
 * issuer's key set and the explorer. Only for this machine, by a loopback name.
 */
export function devRoutes(deps: {
  config: Pick<Config, 'environment' | 'devClock'>;
  /** Undefined where tokens come from an outside one. */
  issuer: DevIssuer | undefined;
  clock: AdjustableClock;
  log: Logger;
}): (instance: FastifyInstance) => void {
  if (deps.config.environment === 'production') throw new Error('The routes of development are refused in production');
  const { config, issuer, clock, log } = deps;

  return (instance) => {
    instance.register(async (scope) => {
      scope.setErrorHandler((error, _request, reply) => {
        const refusal = refusalOf(error instanceof z.ZodError ? { statusCode: 400 } : error, log);
        return reply.code(refusal.status).send({ errors: [formatted(refusal.error)] });
      });

      // Fastify's own hook: before a body is looked at.
      scope.addHook('onRequest', (request, reply, next) => {
        if (isFromHere(request.headers)) return next();
        void reply.code(403).send({ errors: [formatted(new DomainError('BAD_REQUEST', 'Ask by the name localhost.'))] });
      });

      if (issuer) {
        scope.post('/dev/token', async ({ body }) => issuer.issue(body));
        scope.get('/.well-known/jwks.json', async () => issuer.jwks);
      }
      scope.get('/dev/roles', async () => (issuer ? Promise.all(roles.map(async (role) => ({
        role, name: fixtureMembers[role].name, token: (await issuer.issue(fixtureClaims(role))).access_token,
      }))) : []));

      if (config.devClock) {
        scope.put('/dev/clock', async ({ body }) => {
          const { now } = clockSetting.parse(body);
          clock.freeze(now === null ? undefined : new Date(now));
          return { now: clock.now().toISOString(), frozen: now !== null };
        });
      }
      explorer(scope);
    });
  };
}
