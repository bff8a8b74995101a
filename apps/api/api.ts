import type { Type } from '@nestjs/common';
import { Authenticator, DevIssuer, remoteIssuer } from '@peerbridge/identity';
import { AdjustableClock } from '@peerbridge/kernel';
import type { HealthSources } from '@peerbridge/platform';
import type { Running } from '../process.js';
import { openAnswering, type Answering, type System } from '../system.js';
import { CareModule } from './care.module.js';
import { devRoutes } from './dev/index.js';
import { createHttpApplication } from './http/index.js';

export interface RunningApi extends Running {
  /** `http://host:port`, without a path. */
  address: string;
  answering: Answering;
  /** The system's own issuer; undefined where an outside one is configured. */
  issuer: DevIssuer | undefined;
}

export interface ApiOptions {
  /** What this process knows of the others; the rest it looks up. */
  health?: Partial<HealthSources>;
  /** More resolvers beside the capabilities'. */
  modules?: Type[];
}

export async function startApi(system: System, { health = {}, modules = [] }: ApiOptions = {}): Promise<RunningApi> {
  const { config, log, metrics, clock, store, database } = system;
  const answering = await openAnswering(system);
  const issuer = config.oidc ? undefined : await DevIssuer.open(config);
  const authenticator = new Authenticator(issuer ?? remoteIssuer(config.oidc!), (error) =>
    log.error({ err: error }, 'The keys of the token issuer cannot be had'));
  const app = await createHttpApplication({
    imports: [CareModule.of(answering, metrics), ...modules],
    config, authenticator, metrics, log,
    health: {
      store: () => store.health(),
      database: async () => ({ status: (await database.pool.query('SELECT 1')).rowCount === 1 ? 'up' : 'down' }),
      projector: async () => ({
        status: answering.lag.isPastBound ? 'down' : 'up', lagEvents: answering.lag.events,
        stoppedParticipants: await answering.shared.stoppedParticipants(),
      }),
      relay: () => ({ status: 'up', enabled: config.kafkaBrokers !== undefined }),
      ...health,
    },
    ...(issuer && config.environment !== 'production' && {
      routes: devRoutes({ config, issuer, clock: clock instanceof AdjustableClock ? clock : new AdjustableClock(), log }),
    }),
  });
  await app.listen(config.port, config.host).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EADDRINUSE') throw error;
    throw new Error(`Port ${config.port} of ${config.host} is taken: set PORT to another one`);
  });
  const port = new URL(await app.getUrl()).port || String(config.port);
  const host = config.host.includes(':') ? `[${config.host}]` : config.host === '0.0.0.0' ? '127.0.0.1' : config.host;
  return {
    address: `http://${host}:${port}`, answering, issuer,
    async stop() {
      await app.close();
      await answering.close();
    },
  };
}
