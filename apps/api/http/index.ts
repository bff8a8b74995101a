import type { DynamicModule, ModuleMetadata } from '@nestjs/common';
import { APP_FILTER, NestFactory } from '@nestjs/core';
import { GraphQLSchemaHost } from '@nestjs/graphql';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { ReadBudgets } from '@peerbridge/disclosure';
import type { Authenticator } from '@peerbridge/identity';
import { randomId } from '@peerbridge/kernel';
import { nestLogger, type Config, type HealthSources, type Logger, type Metrics } from '@peerbridge/platform';
import type { FastifyInstance } from 'fastify';
import type { GraphQLSchema } from 'graphql';
import { PassErrorsOn } from './errors.js';
import { graphqlModule } from './graphql-module.js';
import { graphqlRoute } from './graphql-route.js';
import { countOverrideHeaders, hardenedHeaders, logRequests } from './hardening.js';
import { limits } from './limits.js';
import { Operations } from './operations.js';
import { probes } from './probes.js';
import { ordinaryCapacity, type Capacity } from './slots.js';
import { serveSubscriptions } from './subscriptions.js';

export type { GraphqlContext } from './context.js';
export { GRAPHQL_PATH } from './graphql-route.js';
export { limits } from './limits.js';

export interface HttpApplicationOptions {
  /** The modules whose resolvers make up the schema. */
  imports: NonNullable<ModuleMetadata['imports']>;
  providers?: ModuleMetadata['providers'];
  config: Pick<Config, 'environment' | 'metricsToken' | 'corsOrigins'>;
  authenticator: Authenticator;
  metrics: Metrics;
  health: HealthSources;
  log: Logger;
  /** What the process takes on at once; default: what it can hold. */
  capacity?: Capacity;
  /** More routes, e.g. those of development. */
  routes?: (instance: FastifyInstance) => void;
}

/** How long a browser remembers that it may ask. */
const PREFLIGHT_SECONDS = 600;

class HttpApplication {}

/** GraphQL over HTTP and WebSocket, health and metrics: initialized, not listening yet. */
export async function createHttpApplication(options: HttpApplicationOptions): Promise<NestFastifyApplication> {
  const { authenticator, metrics, health, log, capacity = ordinaryCapacity() } = options;
  const budgets = new ReadBudgets();
  const adapter = new FastifyAdapter({
    bodyLimit: limits.bodyBytes,
    genReqId: () => randomId(),
    logger: false,
    // A proxy in front may keep its connections: they are closed when they are idle.
    forceCloseConnections: 'idle',
  });
  const root: DynamicModule = {
    module: HttpApplication,
    imports: [graphqlModule(), ...options.imports],
    providers: [{ provide: APP_FILTER, useClass: PassErrorsOn }, ...options.providers ?? []],
  };
  const app = await NestFactory.create<NestFastifyApplication>(root, adapter, {
    bodyParser: false, logger: nestLogger(log), abortOnError: false,
  });
  const instance = adapter.getInstance() as unknown as FastifyInstance;

  let known: { schema: GraphQLSchema; operations: Operations } | undefined;
  const schema = () => known ??= ((made) => ({
    schema: made, operations: new Operations(made, { introspection: options.config.environment !== 'production' }),
  }))(app.get(GraphQLSchemaHost, { strict: false }).schema);

  const { corsOrigins } = options.config;
  if (corsOrigins.length > 0) {
    app.enableCors({
      origin: [...corsOrigins], methods: ['POST'], allowedHeaders: ['authorization', 'content-type'], maxAge: PREFLIGHT_SECONDS,
    });
  }
  hardenedHeaders(instance);
  instance.addHook('onRequest', (request, _reply, next) => {
    countOverrideHeaders(request.headers, metrics, log);
    next();
  });
  logRequests(instance, log);
  graphqlRoute(instance, { authenticator, schema, capacity, budgets, log });
  probes(instance, { config: options.config, health, metrics });
  options.routes?.(instance);

  await app.init();
  const subscriptions = serveSubscriptions(instance.server, {
    authenticator, schema, capacity, budgets, log, onUpgrade: (request) => countOverrideHeaders(request.headers, metrics, log),
  });
  instance.addHook('preClose', () => subscriptions.close());
  return app;
}
