import type { Type } from '@nestjs/common';
import { Authenticator, DevIssuer, remoteIssuer } from '@peerbridge/identity';
import { AdjustableClock } from '@peerbridge/kernel';
import { ConfigError, type Config } from '@peerbridge/platform';
import { stopped, type Running } from '../process.js';
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
  /** Whether a relay in this process fails now; of one elsewhere its checkpoint tells. */
  relayFails?: () => boolean;
  /** More resolvers beside the capabilities'. */
  modules?: Type[];
}

/** Of the database, for whoever asks whether it is there. */
const PROBE_WITHIN_MS = 2_000;

export async function startApi(system: System, options: ApiOptions = {}): Promise<RunningApi> {
  const answering = await openAnswering(system);
  try {
    return await listen(system, answering, options);
  } catch (error) {
    await answering.close();
    throw error;
  }
}

async function listen(
  { config, log, metrics, clock, store, database }: System, answering: Answering,
  { relayFails = () => false, modules = [] }: ApiOptions,
): Promise<RunningApi> {
  const issuer = config.oidc ? undefined : await DevIssuer.open(config);
  const authenticator = new Authenticator(
    issuer ?? remoteIssuer(config.oidc!),
    (error) => log.error({ err: error }, 'The keys of the token issuer cannot be had'),
    (claims) => log.warn({ claims }, 'A token that its issuer signed was refused: these claims are missing or malformed'),
    // Who is called what matters less than that they are served.
    ({ caller, expiresAt }) => answering.names.tell(caller, expiresAt)
      .catch((error: unknown) => log.warn({ err: error }, 'What a member is called could not be kept')),
  );
  // A connection of its own: a pool that is full is no database that is down.
  const probe = database.open({
    purpose: 'probe', max: 1, connectionTimeoutMillis: PROBE_WITHIN_MS, query_timeout: PROBE_WITHIN_MS,
  });
  const app = await createHttpApplication({
    imports: [CareModule.of(answering, metrics), ...modules],
    config, authenticator, metrics, log,
    health: {
      store: () => store.health(),
      database: async () => ({ status: (await probe.pool.query('SELECT 1')).rowCount === 1 ? 'up' : 'down' }),
      projector: async () => {
        // Undefined where there is no version to answer from.
        const stoppedParticipants = await answering.shared.stoppedParticipants().catch(() => undefined);
        return {
          status: stoppedParticipants === undefined ? 'down' : 'up', lagEvents: answering.trust.lagEvents,
          stoppedParticipants: stoppedParticipants ?? 0,
        };
      },
      relay: () => ({
        status: answering.relayLag?.standsStill || relayFails() ? 'down' : 'up', enabled: answering.relayLag !== undefined,
      }),
    },
    ...(config.environment !== 'production' && {
      routes: devRoutes({ config, issuer, clock: clock instanceof AdjustableClock ? clock : new AdjustableClock(), log }),
    }),
  });
  try {
    await app.listen(config.port, config.host);
  } catch (error) {
    await app.close();
    await probe.close();
    throw cannotListen(config, error as NodeJS.ErrnoException);
  }
  const port = new URL(await app.getUrl()).port || String(config.port);
  return {
    address: `http://${reachableHost(config.host)}:${port}`, answering, issuer,
    async stop() {
      await stopped(app.close());
      await probe.close();
      await answering.close();
    },
  };
}

/** The mistake that is behind it, by the variable to mend. */
function cannotListen({ host, port }: Config, error: NodeJS.ErrnoException): Error {
  switch (error.code) {
    case 'EADDRINUSE': return new ConfigError([`Port ${port} of ${host} is taken: set PORT to another one`]);
    case 'EACCES': return new ConfigError([`PORT: this user may not listen on ${port} (EACCES)`]);
    case undefined: return error;
    default: return new ConfigError([`HOST: this machine cannot listen on ${host} (${error.code})`]);
  }
}

/** Where whoever is on this machine finds it. */
function reachableHost(host: string): string {
  if (host === '0.0.0.0') return '127.0.0.1';
  if (host === '::') return '[::1]';
  return host.includes(':') ? `[${host}]` : host;
}
