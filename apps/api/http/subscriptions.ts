import type { IncomingMessage, Server } from 'node:http';
import type { Authenticator } from '@peerbridge/identity';
import type { ReadBudgets } from '@peerbridge/disclosure';
import { DomainError, randomId, type Caller } from '@peerbridge/kernel';
import type { Logger } from '@peerbridge/platform';
import {
  createSourceEventStream, execute, getOperationAST, GraphQLError, OperationTypeNode, type ExecutionArgs, type ExecutionResult,
  type GraphQLSchema,
} from 'graphql';
import { CloseCode, handleProtocols, makeServer, MessageType, parseMessage, stringifyMessage } from 'graphql-ws';
import { WebSocketServer, type WebSocket } from 'ws';
import type { GraphqlContext } from './context.js';
import { formatErrors, limitMet, refusalOf } from './errors.js';
import { GRAPHQL_PATH } from './graphql-route.js';
import { limits, withinSize } from './limits.js';
import type { Operations } from './operations.js';
import type { Capacity, Slots } from './slots.js';

/** A receiver is disconnected when this much waits for it, or when it takes longer than this to take one message. */
const WAITING_BYTES = 1024 * 1024;
const TAKEN_WITHIN_MS = 2000;
const PING_EVERY_MS = 12_000;
const SUBSCRIPTIONS_PER_SOCKET = 100;
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** Close codes of WebSockets beside those of graphql-transport-ws. */
const GOING_AWAY = 1001;
const TRY_AGAIN_LATER = 1013;

interface Connection extends Record<PropertyKey, unknown> {
  socket: WebSocket;
  request: IncomingMessage;
  caller?: Caller;
}

/**
 * `graphql-transport-ws` on the path of GraphQL. The token comes in `connection_init`, never in a cookie; the socket
 * closes when the token ends, with a code after which the common client comes back, with its fresh token. The same checks
 * hold as over HTTP.
 *
 * A subscription's source is asked for its next event once the last one was handed over to the network, so a source
 * that does its work between two `yield`s knows when that was.
 */
export function serveSubscriptions(server: Server, deps: {
  authenticator: Authenticator;
  schema(): { schema: GraphQLSchema; operations: Operations };
  log: Logger;
  capacity: Capacity;
  budgets: ReadBudgets;
  onUpgrade(request: IncomingMessage): void;
}): { close(): Promise<void> } {
  const sockets = new WebSocketServer({ server, path: GRAPHQL_PATH, maxPayload: limits.bodyBytes, handleProtocols });

  const graphql = makeServer<Record<string, unknown>, Connection>({
    async onConnect({ connectionParams, extra }) {
      const authenticated = await deps.authenticator.authenticate(authorizationIn(connectionParams)).catch((error: unknown) => {
        if (isTrouble(error)) extra.socket.close(TRY_AGAIN_LATER, 'Try again later');
        return undefined;
      });
      if (!authenticated || extra.socket.readyState !== extra.socket.OPEN) return false;
      extra.caller = authenticated.caller;
      const ends = setTimeout(
        () => extra.socket.close(CloseCode.Forbidden, 'The token has ended'),
        Math.min(Math.max(authenticated.expiresAt - Date.now(), 0), LONGEST_TIMER_MS),
      );
      extra.socket.once('close', () => clearTimeout(ends));
      return true;
    },

    onSubscribe({ extra, subscriptions }, _id, payload) {
      try {
        if (Object.keys(subscriptions).length > SUBSCRIPTIONS_PER_SOCKET) {
          throw new DomainError('LIMIT_EXCEEDED', `No more than ${SUBSCRIPTIONS_PER_SOCKET} operations at once.`);
        }
        const { schema, operations } = deps.schema();
        const { document, variables } = operations.prepare(payload);
        const contextValue: GraphqlContext = { caller: extra.caller as Caller, requestId: randomId() };
        return { schema, document, variableValues: variables, contextValue };
      } catch (error) {
        const refusal = refusalOf(error, deps.log).error;
        return [new GraphQLError(refusal.message, { originalError: refusal })];
      }
    },
    execute: answered((args) => deps.capacity[operationOf(args)].hold(() => deps.budgets.hold(async (budget) => {
      const result = await execute({ ...args, contextValue: { ...args.contextValue as GraphqlContext, budget } });
      withinSize(result.data);
      return result;
    }))),
    subscribe: answered((args) => subscribeFreshly(args, deps.capacity.subscription)),
    onNext(_context, _id, _payload, args, { data, errors }) {
      if (!errors) return undefined;
      const isRefused = operationOf(args) !== OperationTypeNode.MUTATION && limitMet(errors);
      return { data: isRefused ? null : data, errors: formatErrors(errors, deps.log) as GraphQLError[] };
    },
    onError: (_context, _id, _payload, errors) => formatErrors(errors as GraphQLError[], deps.log),
  });

  // The HTTP server's errors come by here too, a busy port for one: whoever asked it to listen hears of them.
  sockets.on('error', () => {});
  sockets.on('connection', (socket: WebSocket, request: IncomingMessage) => {
    deps.onUpgrade(request);
    // A peer that breaks the WebSocket protocol is disconnected by `ws` itself.
    socket.on('error', () => {});
    const closed = graphql.opened({
      protocol: socket.protocol,
      send: (text) => handOver(socket, text),
      close: (code, reason) => socket.close(code, reason),
      // Without its payload: to give back what is nested deep enough would overflow the stack.
      onPing: () => handOver(socket, stringifyMessage({ type: MessageType.Pong })),
      onMessage: (handle) => socket.on('message', (message: Buffer) => {
        const text = String(message);
        if (isOfServer(text)) return socket.close(CloseCode.BadRequest, 'Invalid message received');
        handle(text).catch((error: unknown) => {
          deps.log.error({ err: error }, 'A message over a WebSocket failed');
          socket.close(CloseCode.InternalServerError);
        });
      }),
    }, { socket, request });
    const stopPinging = keepAlive(socket);
    socket.once('close', (code, reason) => {
      stopPinging();
      closed(code, String(reason)).catch((error: unknown) => deps.log.error({ err: error }, 'A subscription did not end well'));
    });
  });

  return {
    async close() {
      for (const socket of sockets.clients) {
        socket.close(GOING_AWAY);
        setTimeout(() => socket.terminate(), 1000).unref();
      }
      await new Promise((resolve) => sockets.close(resolve));
    },
  };
}

/** The token as clients name it: a header's name has no case. */
const authorizationIn = (params: Readonly<Record<string, unknown>> | undefined): unknown =>
  Object.entries(params ?? {}).find(([name]) => name.toLowerCase() === 'authorization')?.[1];

/** Whether it is not the token's fault. */
const isTrouble = (error: unknown): boolean => !(error instanceof DomainError && error.code === 'UNAUTHENTICATED');

const operationOf = ({ document, operationName }: ExecutionArgs): OperationTypeNode =>
  getOperationAST(document, operationName)?.operation ?? OperationTypeNode.QUERY;

/** What is thrown is the answer to that one operation: it ends no other of its socket. */
const answered = <Result>(run: (args: ExecutionArgs) => Promise<Result>) =>
  async (args: ExecutionArgs): Promise<Result | ExecutionResult> => {
    try {
      return await run(args);
    } catch (error) {
      return { errors: [new GraphQLError('Refused', { originalError: error as Error })] };
    }
  };

const fromServer: readonly MessageType[] = [MessageType.ConnectionAck, MessageType.Next, MessageType.Error];

/** Messages that only a server sends; what is no message at all, graphql-ws refuses. */
function isOfServer(text: string): boolean {
  try {
    return fromServer.includes(parseMessage(text).type);
  } catch {
    return false;
  }
}

/** Resolves when the network has taken the message. A receiver that does not take it must not hold anything up. */
function handOver(socket: WebSocket, text: string): Promise<void> {
  if (socket.bufferedAmount > WAITING_BYTES) socket.terminate();
  // Gone: let its `close` be heard, which ends the subscriptions, before their sources are asked for more.
  if (socket.readyState !== socket.OPEN) return new Promise((resolve) => setImmediate(resolve));
  return new Promise((resolve) => {
    const late = setTimeout(() => socket.terminate(), TAKEN_WITHIN_MS);
    // An error means that the socket is gone: its `close` ends the subscriptions.
    socket.send(text, () => {
      clearTimeout(late);
      resolve();
    });
  });
}

/** Ends sockets whose other end has vanished without a word. */
function keepAlive(socket: WebSocket): () => void {
  let answered = true;
  socket.on('pong', () => { answered = true; });
  const timer = setInterval(() => {
    if (!answered) return socket.terminate();
    answered = false;
    socket.ping();
  }, PING_EVERY_MS);
  return () => clearInterval(timer);
}

/**
 * Like graphql's `subscribe`, but every delivery is executed with a context of its own, so that nothing remembered for
 * one (a loader's cache, a decision) answers for the next; and the source learns by `signal` when nobody listens any more.
 */
async function subscribeFreshly(
  args: ExecutionArgs, slots: Slots,
): Promise<AsyncGenerator<ExecutionResult, void, void> | ExecutionResult> {
  const giveBack = slots.take();
  const ended = new AbortController();
  ended.signal.addEventListener('abort', giveBack, { once: true });
  const contextValue: GraphqlContext = { ...args.contextValue as GraphqlContext, signal: ended.signal };
  const source = await createSourceEventStream({ ...args, contextValue }).catch((error: unknown) => {
    ended.abort();
    throw error;
  });
  if (!(Symbol.asyncIterator in source)) {
    ended.abort();
    return source;
  }
  const events = source[Symbol.asyncIterator]();
  const end = async (): Promise<IteratorResult<ExecutionResult, void>> => {
    ended.abort();
    await events.return?.();
    return { done: true, value: undefined };
  };
  const deliveries: AsyncGenerator<ExecutionResult, void, void> = {
    async next() {
      // A source that failed is asked no more: whatever it holds, it lets go of now.
      const event = await events.next().catch(async (error: unknown) => {
        await end();
        throw error;
      });
      if (event.done || ended.signal.aborted) return end();
      return { done: false, value: await execute({ ...args, rootValue: event.value, contextValue: { ...contextValue } }) };
    },
    return: end,
    async throw(error: unknown) {
      await end();
      throw error;
    },
    [Symbol.asyncIterator]: () => deliveries,
    [Symbol.asyncDispose]: async () => void await end(),
  };
  return deliveries;
}
