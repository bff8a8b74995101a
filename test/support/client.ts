import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { createClient, type Client as Connection } from 'graphql-ws';
import { v5 } from 'uuid';
import WebSocket from 'ws';

/** What `dev.json` says. */
export interface Dev {
  graphql: string;
  subscriptions: string;
  explorer: string;
  live: string;
  ready: string;
  metrics: string;
  token: string;
  clock: string;
  tokens: Record<string, string>;
  members: Record<string, { memberId: string; orgId: string; participantId?: string }>;
  organizations: Record<string, string>;
}

export const post = (url: string, body: unknown, headers: Record<string, string> = {}): Promise<Response> =>
  fetch(url, { method: 'POST', headers: { 'content-type': 'application/json', ...headers }, body: JSON.stringify(body) });

/** UUID v5, namespace URL, of `<iss>#<sub>`. */
export function memberIdIn(token: string): string {
  const { iss, sub } = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as { iss: string; sub: string };
  return v5(`${iss}#${sub}`, v5.URL);
}

export interface GraphqlError {
  message: string;
  path?: (string | number)[];
  extensions: { code: string; fields?: string[]; actualVersion?: number; state?: string; referralId?: string };
}

export interface Answer<Data = Record<string, unknown>> {
  status: number;
  data?: Data | null;
  errors?: GraphqlError[];
}

/** What every mutation answers, beside its node. */
export interface Payload {
  id: string;
  version: number;
  position: string;
}

/** What the tests of a system were last acknowledged. */
export interface Latest {
  position: string | undefined;
}

/** One caller: a token and what can be done with it. */
export class Client {
  constructor(private readonly dev: () => Dev, readonly token: string, private readonly latest: Latest) {}

  /** The answer as it came. A query's variable `$atLeast` is the position that any client was last acknowledged. */
  async ask<Data = Record<string, unknown>>(
    query: string, variables: Record<string, unknown> = {}, headers: Record<string, string> = {},
  ): Promise<Answer<Data>> {
    const body = { query, variables: query.includes('$atLeast') ? { atLeast: this.latest.position, ...variables } : variables };
    const response = await post(this.dev().graphql, body, { authorization: `Bearer ${this.token}`, ...headers });
    return { status: response.status, ...await response.json() as Omit<Answer<Data>, 'status'> };
  }

  /** The data of an answer that must have no errors. */
  async query<Data = Record<string, unknown>>(query: string, variables: Record<string, unknown> = {}): Promise<Data> {
    const { data, errors } = await this.ask<Data>(query, variables);
    if (errors || !data) throw new Error(`Refused: ${JSON.stringify(errors)}`);
    return data;
  }

  /**
   * Runs a mutation that must be accepted. The commandId is a fresh one unless the input has its own.
   * @param selection of the payload, beside id, version and position
   */
  async mutate<Node = unknown>(name: string, input: Record<string, unknown>, selection = ''): Promise<Payload & Node> {
    const { data, errors } = await this.command<Node>(name, input, selection);
    const payload = data?.[name];
    if (errors || !payload) throw new Error(`${name} refused: ${JSON.stringify(errors)}`);
    return payload;
  }

  /** What a mutation that must be refused is refused with: HTTP 200, null, and one error. */
  async refused(name: string, input: Record<string, unknown>): Promise<GraphqlError['extensions']> {
    return (await this.refusal(name, input)).extensions;
  }

  /** The whole error, for comparing what two callers learn. */
  async refusal(name: string, input: Record<string, unknown>): Promise<GraphqlError> {
    const { status, data, errors } = await this.command(name, input, '');
    const [error] = errors ?? [];
    if (status !== 200 || !error || errors?.length !== 1 || data?.[name] !== null) {
      throw new Error(`${name} was not refused as refusals are: ${JSON.stringify({ status, data, errors })}`);
    }
    return error;
  }

  /** Runs a mutation, whatever comes of it. */
  async command<P = Payload>(
    name: string, input: Record<string, unknown>, selection = '',
  ): Promise<Answer<Record<string, (P & Payload) | null>>> {
    const type = `${name.charAt(0).toUpperCase()}${name.slice(1)}Input`;
    const text = `mutation($input: ${type}!) { ${name}(input: $input) { id version position ${selection} } }`;
    const answer = await this.ask<Record<string, (P & Payload) | null>>(text, { input: { commandId: randomUUID(), ...input } });
    const position = answer.data?.[name]?.position;
    if (position) this.latest.position = position;
    return answer;
  }

  /** Open when this returns: what is written from now on is delivered, if it is to be, and nothing acknowledged before. */
  async subscribe<Data = Record<string, unknown>>(
    query: string, variables: Record<string, unknown>,
  ): Promise<Subscription<Data>> {
    await this.query('query($atLeast: String) { node(id: "none", atLeast: $atLeast) { id } }');
    const connection = createClient({
      url: this.dev().subscriptions, webSocketImpl: WebSocket, retryAttempts: 0, lazy: false, onNonLazyError: () => undefined,
      connectionParams: { authorization: `Bearer ${this.token}` },
    });
    const subscription = new Subscription<Data>(connection, query, variables);
    await subscription.roundTrip();
    return subscription;
  }
}

export class Subscription<Data> {
  /** All that has arrived. */
  readonly received: Data[] = [];
  readonly errors: unknown[] = [];
  ended = false;
  private changed = (): void => undefined;

  constructor(private readonly connection: Connection, query: string, variables: Record<string, unknown>) {
    connection.subscribe<Data>({ query, variables }, {
      next: ({ data, errors }) => {
        if (errors) this.errors.push(...errors);
        if (data) this.received.push(data);
        this.changed();
      },
      error: (error) => {
        this.errors.push(error);
        this.changed();
      },
      complete: () => {
        this.ended = true;
        this.changed();
      },
    });
  }

  /** Asks something over the same socket: when it is answered, all that was sent before has arrived. */
  async roundTrip(): Promise<void> {
    for await (const answer of this.connection.iterate({ query: '{ viewer { id } }' })) {
      if (answer.errors) throw new Error(`Refused over the WebSocket: ${JSON.stringify(answer.errors)}`);
    }
  }

  /** All that has arrived by now; what was handed over before included. */
  async soFar(): Promise<number> {
    await this.roundTrip();
    return this.received.length;
  }

  /** Waits until that many have arrived. @throws Error after five seconds */
  async arrived(count: number): Promise<Data[]> {
    for (const deadline = Date.now() + 5_000; this.received.length < count;) {
      if (Date.now() > deadline) {
        throw new Error(`${this.received.length} of ${count} arrived; errors: ${JSON.stringify(this.errors)}`);
      }
      await Promise.race([new Promise<void>((resolve) => { this.changed = resolve; }), delay(100)]);
    }
    return this.received;
  }

  async close(): Promise<void> {
    await this.connection.dispose();
  }
}
