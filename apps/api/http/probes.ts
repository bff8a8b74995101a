import { readiness, type HealthSources, type Metrics } from '@peerbridge/platform';
import type { FastifyInstance } from 'fastify';

/** `/health/live`, `/health/ready` and `/metrics`: they say nothing that needs a token. */
export function probes(instance: FastifyInstance, deps: { health: HealthSources; metrics: Metrics }): void {
  instance.get('/health/live', async () => ({ status: 'ok' }));
  instance.get('/health/ready', async (_request, reply) => {
    const answer = await readiness(deps.health);
    return reply.code(answer.status === 'ok' ? 200 : 503).send(answer);
  });
  instance.get('/metrics', async (_request, reply) =>
    reply.type(deps.metrics.registry.contentType).send(await deps.metrics.text()));
}
