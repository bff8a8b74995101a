import { createHash, timingSafeEqual } from 'node:crypto';
import { DomainError } from '@peerbridge/kernel';
import { readiness, type Config, type HealthSources, type Metrics } from '@peerbridge/platform';
import type { FastifyInstance } from 'fastify';
import { formatted } from './errors.js';

/**
 * `/health/live` and `/health/ready`, which say nothing that needs a token, and `/metrics`, which counts what a deployment
 * does: for whoever bears its token. Without one configured it is open in development, and is not there in production.
 */
export function probes(instance: FastifyInstance, deps: {
  config: Pick<Config, 'environment' | 'metricsToken'>;
  health: HealthSources;
  metrics: Metrics;
}): void {
  const { config: { environment, metricsToken }, health, metrics } = deps;
  instance.get('/health/live', async () => ({ status: 'ok' }));
  instance.get('/health/ready', async (_request, reply) => {
    const answer = await readiness(health);
    return reply.code(answer.status === 'ok' ? 200 : 503).send(answer);
  });
  if (metricsToken === undefined && environment === 'production') return;
  instance.get('/metrics', async ({ headers }, reply) => {
    if (metricsToken !== undefined && !bears(headers.authorization, metricsToken)) {
      const refusal = new DomainError('UNAUTHENTICATED', 'The token for metrics is required.');
      return reply.code(401).header('www-authenticate', 'Bearer').send({ errors: [formatted(refusal)] });
    }
    return reply.type(metrics.registry.contentType).send(await metrics.text());
  });
}

/** In the same time whatever is borne. */
function bears(authorization: string | undefined, token: string): boolean {
  const borne = /^Bearer +(\S+) *$/i.exec(authorization ?? '')?.[1] ?? '';
  const [one, other] = [borne, token].map((text) => createHash('sha256').update(text).digest());
  return timingSafeEqual(one!, other!);
}
