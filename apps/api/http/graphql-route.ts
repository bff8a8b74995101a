import type { Authenticator } from '@peerbridge/identity';
import type { ReadBudgets } from '@peerbridge/disclosure';
import { DomainError, type Caller } from '@peerbridge/kernel';
import type { Logger } from '@peerbridge/platform';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { execute, type ExecutionResult, type GraphQLSchema } from 'graphql';
import type { GraphqlContext } from './context.js';
import { formatErrors, formatted, limitMet, refusalOf } from './errors.js';
import { limits, withinSize } from './limits.js';
import type { Operation, Operations } from './operations.js';
import type { Capacity } from './slots.js';

export const GRAPHQL_PATH = '/graphql';

declare module 'fastify' {
  interface FastifyRequest {
    /** Set once the bearer's token has been verified. */
    caller?: Caller;
  }
}

/**
 * `POST /graphql`. Who asks is checked before anything they sent is looked at; only `application/json` is taken, which no
 * other site's form can send unasked.
 */
export function graphqlRoute(instance: FastifyInstance, deps: {
  authenticator: Authenticator;
  /** Known once the application is initialized. */
  schema(): { schema: GraphQLSchema; operations: Operations };
  capacity: Capacity;
  budgets: ReadBudgets;
  log: Logger;
}): void {
  instance.route({
    method: ['POST', 'GET', 'PUT', 'PATCH', 'DELETE'],
    url: GRAPHQL_PATH,
    bodyLimit: limits.bodyBytes,
    async onRequest(request) {
      request.caller = (await deps.authenticator.authenticate(request.headers.authorization)).caller;
      if (request.method !== 'POST') throw new DomainError('BAD_REQUEST', 'Send operations by POST.');
      if (!isJson(request)) throw new DomainError('BAD_REQUEST', 'The body must be application/json.');
    },
    async handler(request) {
      const { schema, operations } = deps.schema();
      const operation = operations.prepare(request.body);
      if (operation.definition.operation === 'subscription') {
        throw new DomainError('BAD_REQUEST', 'Subscribe over a WebSocket (graphql-transport-ws).');
      }
      const context: GraphqlContext = { caller: request.caller as Caller, requestId: request.id };
      const { data, errors } = await deps.capacity[operation.definition.operation].hold(() =>
        deps.budgets.hold((budget) => run(instance, schema, operation, { ...context, budget })));
      withinSize(data);
      if (!errors) return { data };
      // What a mutation did is told, even where all that it was asked for then was too much.
      const limit = operation.definition.operation === 'query' ? limitMet(errors) : undefined;
      if (limit) throw limit;
      return { data, errors: formatErrors(errors, deps.log) };
    },
    errorHandler(error, _request, reply) {
      const refusal = refusalOf(error, deps.log);
      void reply.code(refusal.status).send({ errors: [formatted(refusal.error)] });
    },
  });
}

const isJson = ({ headers }: FastifyRequest): boolean =>
  /^application\/json *(;|$)/i.test(headers['content-type'] ?? '');

/** Mercurius compiles an operation when it comes for the second time, and remembers it. */
function run(
  instance: FastifyInstance, schema: GraphQLSchema, operation: Operation, context: GraphqlContext,
): Promise<ExecutionResult> | ExecutionResult {
  const { source, document, isCompiled, variables } = operation;
  return isCompiled
    ? instance.graphql(source, { ...context }, variables)
    : execute({ schema, document, contextValue: context, variableValues: variables });
}
