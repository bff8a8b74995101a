import { spawn, type ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { jest } from '@jest/globals';
import { createClient, type Client as Connection } from 'graphql-ws';
import { v5 } from 'uuid';
import WebSocket from 'ws';
import { createTestDatabase, testRunFolder } from './postgres.js';
import { compiledDist } from './run-typescript.js';

const READY_WITHIN_MS = 60_000;

// A machine with much else to do is slow, and not wrong.
jest.setTimeout(60_000);

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

/** What may be asked of the issuer of development. */
export interface Claims {
  sub: string;
  role: string;
  org_id?: string;
  participant_id?: string;
  name?: string;
  exp?: number;
}

export interface SystemOptions {
  /** Over the defaults. `DATABASE_URL: ''` means the embedded PostgreSQL. */
  env?: Record<string, string>;
  dataDir?: string;
}

export interface TestSystem {
  /** As of the last start: a restart may change the port. */
  readonly dev: Dev;
  readonly dataDir: string;
  /** What the process was started with. */
  readonly env: Readonly<Record<string, string>>;
  /** Standard output and standard error so far, of all starts. */
  logs(): string;
  token(claims: Claims): Promise<string>;
  /** A member of the fixture by role, or whoever the token says. */
  as(roleOrToken: string): Client;
  /** A worker nobody has met before. @param organization the fixture's name of it, or an id */
  newWorker(role: string, organization: string): Promise<Worker>;
  /** Freezes domain time. Tests of one file share it. */
  freeze(time: string): Promise<void>;
  thaw(): Promise<void>;
  /** SIGKILL. What is on disk stays, for `restart`. */
  kill(): Promise<void>;
  /** Stops cleanly if it runs, and starts on the same data. */
  restart(): Promise<void>;
  /** SIGTERM, if it runs; then its database goes. Returns the exit code. */
  stop(): Promise<number | null>;
}

/** Somebody with a token. */
export interface Worker {
  client: Client;
  memberId: string;
  orgId: string;
  role: string;
}

/** The compiled product in a process of its own, on a database of its own, answering. End it with `stop()` in `afterAll`. */
export async function startSystem(options: SystemOptions = {}): Promise<TestSystem> {
  const main = path.join(await compiledDist(), 'apps', 'standalone', 'main.js');
  const database = options.env?.DATABASE_URL === undefined ? await createTestDatabase({ poolSize: 1 }) : undefined;
  const dataDir = options.dataDir ?? await mkdtemp(path.join(testRunFolder(), 'system-'));
  const env = {
    PORT: '0', DATA_DIR: dataDir, DEV_CLOCK: '1', LOG_LEVEL: 'warn', ...database && { DATABASE_URL: database.url },
    ...options.env,
  };
  await mkdir(dataDir, { recursive: true });

  let child: ChildProcess | undefined;
  let dev: Dev;
  let logs = '';
  const start = async () => {
    const file = path.join(dataDir, 'dev.json');
    await rm(file, { force: true }); // of one that was killed
    const started = spawn(process.execPath, [main], { env: { ...inherited(), ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
    child = started;
    for (const output of [started.stdout, started.stderr]) output.on('data', (chunk: Buffer) => { logs += chunk.toString(); });
    for (const deadline = Date.now() + READY_WITHIN_MS; ; await delay(25)) {
      const content = await readFile(file, 'utf8').catch(() => undefined);
      if (content) {
        dev = JSON.parse(content) as Dev;
        return;
      }
      if (hasEnded(started) || Date.now() > deadline) {
        started.kill('SIGKILL');
        throw new Error(`The system did not start (exit code ${started.exitCode}):\n${logs}`);
      }
    }
  };
  const end = async (signal: 'SIGTERM' | 'SIGKILL'): Promise<number | null> => {
    if (!child) return null;
    const ending = child;
    child = undefined;
    if (!hasEnded(ending)) {
      const exited = once(ending, 'exit');
      ending.kill(signal);
      await exited;
    }
    return ending.exitCode;
  };
  try {
    await start();
  } catch (error) {
    await database?.drop();
    throw error;
  }

  const token = async (claims: Claims): Promise<string> => {
    const response = await post(dev.token, claims);
    if (!response.ok) throw new Error(`No token: ${await response.text()}`);
    return (await response.json() as { access_token: string }).access_token;
  };
  const setClock = async (now: string | null): Promise<void> => {
    const response = await fetch(dev.clock, {
      method: 'PUT', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ now }),
    });
    if (!response.ok) throw new Error(`The clock was not set: ${await response.text()}`);
  };
  const latest: Latest = { position: undefined };
  const as = (roleOrToken: string): Client => new Client(() => dev, dev.tokens[roleOrToken] ?? roleOrToken, latest);
  return {
    get dev() {
      return dev;
    },
    dataDir,
    env,
    logs: () => logs,
    token,
    as,
    async newWorker(role, organization) {
      const orgId = dev.organizations[organization] ?? organization;
      const access = await token({ sub: `${role}-${randomUUID()}`, role, org_id: orgId, name: `A ${role} of ${organization}` });
      return { client: as(access), memberId: memberIdIn(access), orgId, role };
    },
    freeze: (time) => setClock(time),
    thaw: () => setClock(null),
    async kill() {
      await end('SIGKILL');
    },
    async restart() {
      await end('SIGTERM');
      await start();
    },
    async stop() {
      const exitCode = await end('SIGTERM');
      await database?.drop();
      return exitCode;
    },
  };
}

const hasEnded = ({ exitCode, signalCode }: ChildProcess): boolean => exitCode !== null || signalCode !== null;

/** Nothing of the machine's own settings decides what is tested. */
function inherited(): NodeJS.ProcessEnv {
  const { PATH, HOME, USER, TMPDIR, LANG, SystemRoot } = process.env;
  return { PATH, HOME, USER, TMPDIR, LANG, SystemRoot };
}

const post = (url: string, body: unknown, headers: Record<string, string> = {}): Promise<Response> =>
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
interface Latest {
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
