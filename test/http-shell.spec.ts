import { mkdtemp } from 'node:fs/promises';
import { request as rawRequest } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Module } from '@nestjs/common';
import {
  Args, Context, Field, ID, InputType, Int, Mutation, ObjectType, Parent, Query, ResolveField, Resolver, Subscription,
} from '@nestjs/graphql';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { Authenticator, DevIssuer, fixtureClaims, fixtureMembers } from '@peerbridge/identity';
import { AdjustableClock, DomainError, invalid, type Caller } from '@peerbridge/kernel';
import { createLog, Metrics, type HealthSources } from '@peerbridge/platform';
import { getIntrospectionQuery } from 'graphql';
import { createClient } from 'graphql-ws';
import WebSocket from 'ws';
import { devRoutes } from '../apps/api/dev/index.js';
import { createHttpApplication, type GraphqlContext } from '../apps/api/http/index.js';
import { Slots, type Capacity } from '../apps/api/http/slots.js';

const CANARY = 'took sertraline with her coffee';

@ObjectType()
class Viewer {
  @Field(() => ID) id!: string;
  @Field({ nullable: true }) name?: string;
  @Field({ nullable: true }) role?: string;
}

@InputType()
class NoteInput {
  @Field(() => ID) commandId!: string;
  @Field({ nullable: true }) body?: string;
}

@ObjectType()
class NotePayload {
  @Field(() => ID) id!: string;
}

/** A schema just deep and wide enough to try what the shell does. */
@Resolver(() => Viewer)
class ShellResolver {
  static readonly subscriptions = { open: 0, waiting: [] as (() => void)[] };

  @Query(() => Viewer)
  viewer(@Context('caller') caller: Caller): Viewer {
    return { id: caller.memberId, name: caller.name, role: caller.role };
  }

  @ResolveField(() => Viewer, { nullable: true })
  self(@Parent() viewer: Viewer): Viewer {
    return viewer;
  }

  @ResolveField(() => [Viewer])
  colleagues(@Parent() viewer: Viewer, @Args('first', { type: () => Int, defaultValue: 20 }) first: number): Viewer[] {
    return Array.from({ length: Math.min(first, 2) }, () => viewer);
  }

  @Mutation(() => NotePayload, { nullable: true })
  note(@Args('input') input: NoteInput): NotePayload {
    if (input.body === 'refuse') throw invalid('A note needs a body.', 'body');
    if (input.body === 'conflict') throw new DomainError('VERSION_CONFLICT', 'It has changed.', { actualVersion: 7 });
    if (input.body === 'outage') throw Object.assign(new Error(`connect to ${CANARY}`), { code: 'ECONNREFUSED' });
    if (input.body === 'fail') throw new Error(`insert failed: ${CANARY}`);
    return { id: input.commandId };
  }

  @Subscription(() => Viewer)
  async *ticks(
    @Context() { caller, signal }: GraphqlContext, @Args('count', { type: () => Int }) count: number,
    @Args('size', { type: () => Int, defaultValue: 1 }) size: number,
  ): AsyncGenerator<{ ticks: Viewer }> {
    const { subscriptions } = ShellResolver;
    subscriptions.open += 1;
    try {
      for (let i = 0; i < count; i += 1) yield { ticks: { id: caller.memberId, name: 'x'.repeat(size) } };
      await new Promise<void>((resolve) => signal?.addEventListener('abort', () => resolve()));
    } finally {
      subscriptions.open -= 1;
      subscriptions.waiting.splice(0).forEach((wake) => wake());
    }
  }

  @Subscription(() => Viewer)
  async *broken(): AsyncGenerator<{ broken: Viewer }> {
    throw new Error(CANARY);
  }
}

@Module({ providers: [ShellResolver] })
class ShellModule {}

const health: HealthSources = {
  store: () => ({ status: 'up' }), database: () => ({ status: 'up' }),
  projector: () => ({ status: 'up', lagEvents: 0, stoppedParticipants: 0 }), relay: () => ({ status: 'up', enabled: false }),
};

const clock = new AdjustableClock();
const logLines: string[] = [];
const log = createLog('debug', { write: (line: string) => void logLines.push(line) });
let issuer: DevIssuer;
const running: NestFastifyApplication[] = [];

interface Options {
  metricsToken?: string;
  corsOrigins?: string[];
  devClock?: boolean;
  capacity?: Capacity;
}

async function start(environment: 'development' | 'production', options: Options = {}) {
  const metrics = new Metrics();
  const { metricsToken, corsOrigins = [] } = options;
  const config = { environment, devClock: options.devClock ?? false, metricsToken, corsOrigins };
  const app = await createHttpApplication({
    imports: [ShellModule], config, authenticator: new Authenticator(issuer), metrics, log, health: { ...health },
    capacity: options.capacity,
    routes: environment === 'production' ? undefined : devRoutes({ config, issuer, clock, log }),
  });
  await app.listen(0, '127.0.0.1');
  running.push(app);
  const { port } = app.getHttpServer().address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}`, ws: `ws://127.0.0.1:${port}/graphql`, metrics };
}

let api: Awaited<ReturnType<typeof start>>;
let token: string;

beforeAll(async () => {
  issuer = await DevIssuer.open({ dataDir: await mkdtemp(join(tmpdir(), 'peerbridge-shell-')), environment: 'test' });
  token = (await issuer.issue(fixtureClaims('peer'))).access_token;
  api = await start('development', { devClock: true });
});
afterAll(async () => {
  for (const app of running) await app.close();
});

interface Answer {
  status: number;
  body: {
    data?: Record<string, unknown> | null;
    errors?: { message: string; extensions: Record<string, unknown> }[];
    access_token?: string;
  };
}

async function answerOf(fetched: Promise<Response>): Promise<Answer> {
  const response = await fetched;
  return { status: response.status, body: await response.json() as Answer['body'] };
}

const post = (body: string, headers: Record<string, string> = {}, url = api.url) => answerOf(fetch(`${url}/graphql`, {
  method: 'POST', body, headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json', ...headers },
}));

const ask = (query: string, more: { variables?: unknown; operationName?: string } = {}, url = api.url) =>
  post(JSON.stringify({ query, ...more }), {}, url);
const codeOf = ({ status, body }: Answer) => [status, body.errors?.[0]?.extensions.code];
const nested = (depth: number) => `{ viewer ${'{ self '.repeat(depth - 2)} { id }${' }'.repeat(depth - 2)} }`;
const aliased = (count: number) => `{ ${Array.from({ length: count }, (_, i) => `a${i}: viewer { id }`).join(' ')} }`;

describe('An operation', () => {
  it('is answered to whoever has a token', async () => {
    const { memberId, name } = fixtureMembers.peer;
    expect(await ask('{ viewer { id name role } }')).toEqual({
      status: 200, body: { data: { viewer: { id: memberId, name, role: 'peer' } } },
    });
  });

  it('is answered the same when it is asked again and compiled, with other variables', async () => {
    const query = 'mutation ($input: NoteInput!) { note(input: $input) { id } }';
    for (const commandId of ['a', 'b', 'c']) {
      expect((await ask(query, { variables: { input: { commandId } } })).body).toEqual({ data: { note: { id: commandId } } });
    }
    for (let i = 0; i < 2; i += 1) {
      expect(codeOf(await ask(query, { variables: { input: {} } }))).toEqual([400, 'BAD_REQUEST']);
    }
  });

  it('is the one that is named, however often another of the document was', async () => {
    const query = 'query A { viewer { id } } query B { viewer { role } }';
    for (let i = 0; i < 3; i += 1) {
      expect((await ask(query, { operationName: 'A' })).body.data).toEqual({ viewer: { id: fixtureMembers.peer.memberId } });
      expect((await ask(query, { operationName: 'B' })).body.data).toEqual({ viewer: { role: 'peer' } });
    }
    expect(codeOf(await ask(query))).toEqual([400, 'BAD_REQUEST']);
    expect(codeOf(await ask(query, { operationName: 'C' }))).toEqual([400, 'BAD_REQUEST']);
  });

  it('that the domain refuses says why, as data, with HTTP 200', async () => {
    const query = 'mutation ($body: String) { note(input: { commandId: "1", body: $body }) { id } }';
    for (let i = 0; i < 3; i += 1) {
      expect(await ask(query, { variables: { body: 'refuse' } })).toMatchObject({
        status: 200,
        body: { data: { note: null }, errors: [{ path: ['note'], extensions: { code: 'VALIDATION', fields: ['body'] } }] },
      });
      expect(await ask(query, { variables: { body: 'conflict' } })).toMatchObject({
        status: 200, body: { data: { note: null }, errors: [{ extensions: { code: 'VERSION_CONFLICT', actualVersion: 7 } }] },
      });
    }
  });

  it('that fails says nothing of what it met, to the caller or to the log', async () => {
    const answer = await ask('mutation { note(input: { commandId: "1", body: "fail" }) { id } }');
    const errors = [{ message: 'Something went wrong on our side.', extensions: { code: 'INTERNAL' } }];
    expect(answer).toMatchObject({ status: 200, body: { data: { note: null }, errors } });
    expect(JSON.stringify(answer)).not.toContain('sertraline');
    expect(logLines.some((line) => line.includes('A resolver failed') && line.includes('http-shell.spec'))).toBe(true);
    expect(logLines.filter((line) => line.includes('sertraline'))).toEqual([]);
  });
});

describe('An outage of the database', () => {
  it('is UNAVAILABLE: the same may be asked again, and nothing is said of where it is', async () => {
    const answer = await ask('mutation { note(input: { commandId: "1", body: "outage" }) { id } }');
    const errors = [{ extensions: { code: 'UNAVAILABLE' } }];
    expect(answer).toMatchObject({ status: 200, body: { data: { note: null }, errors } });
    expect(JSON.stringify(answer)).not.toContain('sertraline');
  });
});

describe('UNAUTHENTICATED comes before anything else', () => {
  it.each([
    ['a good operation', { method: 'POST', body: '{"query":"{ viewer { id } }"}' }],
    ['a broken body', { method: 'POST', body: '{' }],
    ['a batch', { method: 'POST', body: '[]' }],
    ['GET', { method: 'GET' }],
    ['a body that is too large', { method: 'POST', body: JSON.stringify({ query: `#${'x'.repeat(1024 * 1024)}` }) }],
  ])('%s', async (_what, init) => {
    for (const authorization of ['', 'Bearer x.y.z', `Basic ${token}`]) {
      const headers = { 'content-type': 'application/json', authorization };
      expect(codeOf(await answerOf(fetch(`${api.url}/graphql`, { ...init, headers })))).toEqual([401, 'UNAUTHENTICATED']);
    }
  });
});

describe('BAD_REQUEST', () => {
  const colleaguesOf = 'query ($n: Int!) { viewer { colleagues(first: $n) { id } } }';

  it.each([
    ['no JSON', '{'], ['an empty body', ''], ['a batch', '[{"query":"{ viewer { id } }"}]'], ['an empty batch', '[]'],
    ['no query', '{}'], ['an empty query', '{"query":""}'], ['a query that is no text', '{"query":{"kind":"Document"}}'],
    ['variables that are no object', '{"query":"{ viewer { id } }","variables":[]}'], ['null', 'null'],
    ['a syntax error', '{"query":"{ viewer { id }"}'],
    ['a document as JSON instead of text', JSON.stringify({ query: JSON.stringify({ kind: 'Document', definitions: [] }) })],
    ['an unknown field', '{"query":"{ viewer { salary } }"}'],
    ['an unknown argument', '{"query":"{ viewer(as: 1) { id } }"}'],
    ['a literal of a wrong type', '{"query":"{ viewer { colleagues(first: \\"2\\") { id } } }"}'],
    ['a variable of a wrong type', JSON.stringify({ query: colleaguesOf, variables: { n: '2' } })],
    ['a missing variable', JSON.stringify({ query: colleaguesOf })],
    ['a subscription', '{"query":"subscription { ticks(count: 1) { id } }"}'],
    ['fragments that spread each other', JSON.stringify({
      query: '{ viewer { ...A } } fragment A on Viewer { self { ...B } } fragment B on Viewer { self { ...A } }',
    })],
  ])('%s', async (_what, body) => {
    for (let i = 0; i < 2; i += 1) expect(codeOf(await post(body))).toEqual([400, 'BAD_REQUEST']);
  });

  it.each([
    'text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x', 'application/graphql',
    'application/jsonp',
  ])('a body of type %s: forms of other sites could send some of them', async (type) => {
    expect(codeOf(await post('{"query":"{ viewer { id } }"}', { 'content-type': type }))).toEqual([400, 'BAD_REQUEST']);
  });

  it.each(['GET', 'PUT', 'PATCH', 'DELETE'])('%s', async (method) => {
    const headers = { authorization: `Bearer ${token}` };
    const answer = await answerOf(fetch(`${api.url}/graphql?query={viewer{id}}`, { method, headers }));
    expect(codeOf(answer)).toEqual([400, 'BAD_REQUEST']);
  });

  it('names what is wrong and quotes no value', async () => {
    const note = 'mutation ($input: NoteInput!) { note(input: $input) { id } }';
    const answers = [
      await ask(`mutation { note(input: { commandId: "1", body: 5, note: "${CANARY}" }) { id } }`),
      await ask(`{ viewer { colleagues(first: "${CANARY}") { id } } }`),
      await ask(`{ viewer "${CANARY}" }`),
      await ask(note, { variables: { input: { commandId: '1', body: { text: CANARY } } } }),
      await ask(note, { variables: { input: { commandId: '1', [CANARY]: 1 } } }),
    ];
    expect(answers.map(codeOf)).toEqual(answers.map(() => [400, 'BAD_REQUEST']));
    expect(JSON.stringify(answers)).not.toContain('sertraline');
    expect(answers[3]?.body.errors?.[0]?.message).toBe('Variables do not fit their types: $input.body.');
    expect((await ask('{ viewer { idd } }')).body.errors?.[0]?.message).toContain('Cannot query field "idd" on type "Viewer".');
  });
});

describe('LIMIT_EXCEEDED', () => {
  it('spares depth 12, 15 aliases and 100 KiB', async () => {
    expect((await ask(nested(12))).status).toBe(200);
    expect((await ask(aliased(15))).status).toBe(200);
    expect((await ask(`{ viewer { id } } #${'x'.repeat(100 * 1024)}`)).status).toBe(200);
    expect((await ask(`{ viewer { ${'...F '.repeat(18_000)} } } fragment F on Viewer { id }`)).status).toBe(200);
    const full = (below: string) => `colleagues(first: 100) { self { ${below} } }`;
    expect((await ask(`{ viewer { ${full(full(full('id name')))} } }`)).status).toBe(200);
    const variables = { input: { commandId: '1', body: 'x'.repeat(100 * 1024) } };
    expect((await ask('mutation ($input: NoteInput!) { note(input: $input) { id } }', { variables })).status).toBe(200);
    expect((await ask(getIntrospectionQuery())).body.errors).toBeUndefined();
  });

  it.each([
    ['depth', nested(25)],
    ['depth within fragments', `{ viewer { ...A } } ${'ABCDEFGHIJKLMNOPQRSTUVWXY'.split('').map((name, i, all) =>
      `fragment ${name} on Viewer { self { ${i + 1 < all.length ? `...${all[i + 1]}` : 'id'} } }`).join(' ')}`],
    ['depth within inline fragments', nested(25).replaceAll('{ self', '{ ... on Viewer { self').replace(/\}$/, '}'.repeat(24))],
    ['aliases', aliased(100)],
    ['aliases within fragments', `{ viewer { ${Array.from({ length: 12 }, (_, i) => `self { ...A${i % 2} }`).join(' ')} } }
      fragment A0 on Viewer { ${Array.from({ length: 10 }, (_, i) => `a${i}: id`).join(' ')} }
      fragment A1 on Viewer { ${Array.from({ length: 10 }, (_, i) => `b${i}: id`).join(' ')} }`],
    ['cost', `{ viewer { ${'colleagues(first: 100) { '.repeat(4)}self { id }${' }'.repeat(4)} } }`],
    ['a document of many tokens', `{ viewer { ${'id '.repeat(61_000)} } }`],
    ['fragments that multiply', `{ viewer { ...F0 } } ${Array.from({ length: 40 }, (_, i) =>
      `fragment F${i} on Viewer { ${i < 39 ? `...F${i + 1} self { ...F${i + 1} }` : 'id'} }`).join(' ')}`],
  ])('%s', async (_what, query) => {
    for (let i = 0; i < 2; i += 1) expect(codeOf(await ask(query))).toEqual([400, 'LIMIT_EXCEEDED']);
  });

  it('looks at the page sizes that variables give', async () => {
    const page = (below: string) => `{ colleagues(first: $n) ${below} }`;
    const query = `query ($n: Int) { viewer ${page(page(page(page('{ self { id } }'))))} }`;
    for (let i = 0; i < 3; i += 1) {
      expect((await ask(query, { variables: { n: 10 } })).status).toBe(200);
      expect(codeOf(await ask(query, { variables: { n: 100 } }))).toEqual([400, 'LIMIT_EXCEEDED']);
      expect((await ask(query)).status).toBe(200);
    }
  });

  it('is said of a body that is too large with 413, whether or not its length is announced', async () => {
    const body = JSON.stringify({ query: '{ viewer { id } }', variables: { x: 'x'.repeat(1024 * 1024) } });
    for (let i = 0; i < 5; i += 1) expect(codeOf(await post(body))).toEqual([413, 'LIMIT_EXCEEDED']);
    const status = await new Promise<number | undefined>((resolve, reject) => {
      const request = rawRequest(`${api.url}/graphql`, {
        method: 'POST',
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json', 'transfer-encoding': 'chunked' },
      }, (response) => resolve(response.resume().statusCode));
      request.on('error', reject);
      request.end(body);
    });
    expect(status).toBe(413);
  });

  it('comes after BAD_REQUEST', async () => {
    expect(codeOf(await ask(nested(25).replace('{ id }', '{ salary }')))).toEqual([400, 'BAD_REQUEST']);
  });

  it('is said of what would take too long to validate', async () => {
    expect(codeOf(await ask(`{ viewer { ${'self { id } '.repeat(1400)} } }`))).toEqual([400, 'LIMIT_EXCEEDED']);
    expect(codeOf(await ask(`{ viewer { ${'self { salary } '.repeat(10_100)} } }`))).toEqual([400, 'LIMIT_EXCEEDED']);
    const spread = `{ viewer { ${'...F '.repeat(20_100)} } } fragment F on Viewer { salary }`;
    expect(codeOf(await ask(spread))).toEqual([400, 'LIMIT_EXCEEDED']);
  });
});

describe('What is nested thousandfold', () => {
  const times = (text: string, count = 2_000) => text.repeat(count);

  it.each([
    ['fields', times('{ self ')], ['closed fields', `${times('{self')}${times('}')}`],
    ['inline fragments', `{ viewer ${times('{ ... ')}{ id }${times('}')} }`],
    ['lists', `{ viewer { colleagues(first: ${times('[')}${times(']')}) { id } } }`],
    ['objects', `mutation { note(input: ${times('{ a: ')}1${times('}')}) { id } }`],
    ['types', `query ($x: ${times('[')}Int${times(']')}) { viewer { id } }`],
    ['defaults', `query ($x: Int = ${times('[')}${times(']')}) { viewer { id } }`],
    ['fragments', `{ viewer { ...F0 } } ${Array.from({ length: 2_000 }, (_, i) =>
      `fragment F${i} on Viewer { ${i < 1_999 ? `...F${i + 1}` : 'id'} }`).join(' ')}`],
  ])('is too much as %s', async (_what, query) => {
    for (let i = 0; i < 2; i += 1) expect(codeOf(await ask(query))).toEqual([400, 'LIMIT_EXCEEDED']);
  });

  it('does not fit as variables, and is nothing where nobody asks for it', async () => {
    const lists = `${times('[', 100_000)}${times(']', 100_000)}`;
    const objects = `${times('{"a":', 40_000)}1${times('}', 40_000)}`;
    const note = 'mutation ($input: NoteInput!) { note(input: $input) { id } }';
    for (const nested of [lists, objects]) {
      expect(codeOf(await post(`{"query":"${note}","variables":{"input":${nested}}}`))).toEqual([400, 'BAD_REQUEST']);
      const inInput = `{"query":"${note}","variables":{"input":{"commandId":${nested}}}}`;
      expect(codeOf(await post(inInput))).toEqual([400, 'BAD_REQUEST']);
      expect((await post(`{"query":"{ viewer { id } }","extensions":${nested}}`)).status).toBe(200);
      expect((await post(`{"query":"{ viewer { id } }","variables":{"x":${nested}}}`)).status).toBe(200);
    }
  });

  it('is not counted within texts and comments', async () => {
    const quotes = '"'.repeat(3);
    expect((await ask(`{ viewer { id } } # ${times('{')}`)).status).toBe(200);
    const query = `mutation { note(input: { commandId: "${times('[')}", body: ${quotes}${times('{')}${quotes} }) { id } }`;
    expect((await ask(query)).body.errors).toBeUndefined();
  });
});

describe('RATE_LIMITED', () => {
  it('is said where a process has as much at work as it can hold, and commands are not held up by reads', async () => {
    const capacity = { query: new Slots(0), mutation: new Slots(1), subscription: new Slots(0) };
    const busy = await start('development', { capacity });
    const refused = await ask('{ viewer { id } }', {}, busy.url);
    expect(refused).toMatchObject({
      status: 200, body: { errors: [{ extensions: { code: 'RATE_LIMITED', retryAfterMs: expect.any(Number) } }] },
    });
    for (let i = 0; i < 3; i += 1) {
      expect((await ask('mutation { note(input: { commandId: "1" }) { id } }', {}, busy.url)).body.errors).toBeUndefined();
    }
  });

  it('is said of subscriptions, too, each of which gives its place back', async () => {
    const slots = new Slots(1);
    const busy = await start('development', { capacity: { query: new Slots(9), mutation: new Slots(9), subscription: slots } });
    const one = createClient({
      url: busy.ws, webSocketImpl: WebSocket, connectionParams: { authorization: `Bearer ${token}` }, retryAttempts: 0,
    });
    const ticks = () => one.iterate({ query: 'subscription { ticks(count: 1) { id } }' });
    const first = ticks();
    expect(await first.next()).toMatchObject({ value: { data: {} } });
    expect(await ticks().next()).toMatchObject({ value: { errors: [{ extensions: { code: 'RATE_LIMITED' } }] } });
    await first.return!();
    while (ShellResolver.subscriptions.open > 0) await new Promise<void>((end) => ShellResolver.subscriptions.waiting.push(end));
    expect(await ticks().next()).toMatchObject({ value: { data: {} } });
    await one.dispose();
  });
});

describe('Headers', () => {
  it('that would make somebody else of the caller are ignored and counted', async () => {
    const answer = await post('{"query":"{ viewer { role } }"}', { 'x-role': 'auditor', 'x-redaction': 'off' });
    expect(answer.body.data).toEqual({ viewer: { role: 'peer' } });
    const metrics = await (await fetch(`${api.url}/metrics`)).text();
    expect(metrics).toContain('peerbridge_security_events_total{kind="overrideHeader"} 1');
  });

  it('of every answer are hardened, and no cookie is set', async () => {
    for (const path of ['/graphql', '/health/live', '/nowhere', '/explorer']) {
      const { headers } = await fetch(api.url + path);
      expect(headers.get('x-content-type-options')).toBe('nosniff');
      expect(headers.get('cache-control')).toBe('no-store');
      expect(headers.get('content-security-policy')).toMatch(/^default-src 'none';/);
      expect(headers.get('set-cookie')).toBeNull();
    }
  });
});

describe('A WebSocket', () => {
  const closing = (first: (socket: WebSocket) => void) => new Promise<number>((resolve, reject) => {
    const socket = new WebSocket(api.ws, 'graphql-transport-ws');
    socket.on('open', () => first(socket));
    socket.on('close', resolve);
    socket.on('error', reject);
  });
  const say = (message: object) => (socket: WebSocket) => socket.send(JSON.stringify(message));
  const client = () => createClient({
    url: api.ws, webSocketImpl: WebSocket, connectionParams: { authorization: `Bearer ${token}` }, retryAttempts: 0,
  });

  async function refusal(query: string): Promise<unknown> {
    const one = client();
    try {
      for await (const result of one.iterate({ query })) return result;
      return 'completed';
    } catch (error) {
      return error;
    } finally {
      await one.dispose();
    }
  }

  it('closes with 4401 or 4403 without a valid token', async () => {
    for (const message of [
      { type: 'connection_init' }, { type: 'connection_init', payload: {} },
      { type: 'connection_init', payload: { authorization: 'Bearer x' } },
      { type: 'connection_init', payload: { authorization: token } },
      { type: 'subscribe', id: '1', payload: { query: 'subscription { ticks(count: 1) { id } }' } },
    ]) expect([4401, 4403]).toContain(await closing(say(message)));
  });

  it('closes when the token ends, so that the common client comes back with a fresh one', async () => {
    const exp = Math.floor(Date.now() / 1000) + 1;
    const authorization = `Bearer ${(await issuer.issue({ ...fixtureClaims('peer'), exp })).access_token}`;
    expect(await closing(say({ type: 'connection_init', payload: { authorization } }))).toBe(4403);
  });

  it('takes the token by a name in any case', async () => {
    for (const name of ['authorization', 'Authorization', 'AUTHORIZATION']) {
      const socket = new WebSocket(api.ws, 'graphql-transport-ws');
      await new Promise((resolve) => socket.on('open', resolve));
      say({ type: 'connection_init', payload: { [name]: `bearer ${token}` } })(socket);
      const answer = await new Promise((resolve) => socket.once('message', (text: Buffer) => resolve(String(text))));
      expect(answer).toBe('{"type":"connection_ack"}');
      socket.close();
    }
  });

  const deep = (depth: number) => `${'['.repeat(depth)}${']'.repeat(depth)}`;
  const subscribe = (id: string, query: string) => JSON.stringify({ type: 'subscribe', id, payload: { query } });
  it.each<[string, string | Buffer]>([
    ['no JSON', '{'], ['nothing', ''], ['null', 'null'], ['a list', '[]'], ['a number', '7'], ['no type', '{}'],
    ['an unknown type', '{"type":"stop"}'], ['a type that is no text', '{"type":{}}'],
    ['a type of prototypes', '{"type":"__proto__"}'],
    ['what servers send: next', '{"type":"next","id":"1","payload":{}}'], ['what servers send: ack', '{"type":"connection_ack"}'],
    ['what servers send: error', '{"type":"error","id":"1","payload":[{"message":"x"}]}'],
    ['a ping with a list', '{"type":"ping","payload":[]}'], ['a deep ping', `{"type":"ping","payload":{"x":${deep(100_000)}}}`],
    ['a pong', '{"type":"pong","payload":{"x":1}}'], ['no id', '{"type":"subscribe","payload":{"query":"{ viewer { id } }"}}'],
    ['an empty id', subscribe('', '{ viewer { id } }')], ['an id of prototypes', subscribe('__proto__', '{ viewer { id } }')],
    ['no payload', '{"type":"subscribe","id":"2"}'], ['no query', '{"type":"subscribe","id":"2","payload":{}}'],
    ['variables that are a list', '{"type":"subscribe","id":"2","payload":{"query":"{ viewer { id } }","variables":[]}}'],
    ...['extensions', 'variables'].map((name): [string, string] => [`deep ${name}`, `{"type":"subscribe","id":"2",
      "payload":{"query":"{ viewer { id } }","${name}":{"x":${deep(100_000)}}}}`]),
    ['a deep query', subscribe('2', '{ a '.repeat(2_000))],
    ['a root that is skipped', subscribe('2', 'subscription { ticks(count: 1) @skip(if: true) { id } }')],
    ['a root that is left out', subscribe('2', `subscription { ...F @include(if: false) }
      fragment F on Subscription { ticks(count: 1) { id } }`)],
    ['an id that is taken', subscribe('1', 'subscription { ticks(count: 1) { id } }')],
    ['a second init', '{"type":"connection_init"}'], ['the end of nothing', '{"type":"complete","id":"3"}'],
    ['an end without an id', '{"type":"complete"}'], ['too much', 'x'.repeat(300 * 1024)],
    ['text that is none', Buffer.from([0xff, 0xfe, 0x00])], ['binary', Buffer.from('{"type":"ping"}')],
  ])('that says %s is refused or closed for that, and no other hears of it', async (_what, message) => {
    const open = async () => {
      const socket = new WebSocket(api.ws, 'graphql-transport-ws');
      const received: { type: string; id?: string }[] = [];
      const closed = new Promise<number>((resolve) => socket.on('close', resolve));
      socket.on('message', (text: Buffer) => received.push(JSON.parse(String(text)) as never)).on('error', () => undefined);
      await new Promise((resolve) => socket.on('open', resolve));
      const until = async (isThere: (one: { type: string; id?: string }) => boolean) => {
        while (!received.some(isThere)) await new Promise((resolve) => socket.once('message', resolve));
      };
      say({ type: 'connection_init', payload: { authorization: `Bearer ${token}` } })(socket);
      await until(({ type }) => type === 'connection_ack');
      socket.send(subscribe('1', 'subscription { ticks(count: 1) { id } }'));
      await until(({ id }) => id === '1');
      /** The code it was closed with, or undefined where it goes on answering. */
      const code = () => {
        socket.send(subscribe('last', '{ viewer { role } }'));
        return Promise.race([until(({ type, id }) => type === 'complete' && id === 'last').then(() => undefined), closed]);
      };
      return { socket, received, closed, code };
    };
    const odd = await open();
    const other = await open();
    odd.socket.send(message);
    expect([undefined, 4400, 4409, 4429, 1007, 1009]).toContain(await odd.code());
    expect(JSON.stringify(odd.received)).not.toContain('INTERNAL');
    expect(await other.code()).toBeUndefined();
    for (const { socket, closed } of [odd, other]) {
      socket.close();
      await closed;
    }
  });

  it('delivers, and its source learns when nobody listens any more', async () => {
    const one = client();
    const results: unknown[] = [];
    for await (const { data } of one.iterate({ query: 'subscription { ticks(count: 3) { id } }' })) {
      results.push(data);
      if (results.length === 3) break;
    }
    expect(results).toEqual(Array(3).fill({ ticks: { id: fixtureMembers.peer.memberId } }));
    await sourcesEnd();
    await one.dispose();
  });

  const sourcesEnd = async () => {
    const { subscriptions } = ShellResolver;
    while (subscriptions.open > 0) await new Promise<void>((resolve) => subscriptions.waiting.push(resolve));
  };

  it('answers queries too', async () => {
    expect(await refusal('{ viewer { role } }')).toEqual({ data: { viewer: { role: 'peer' } } });
  });

  it('checks what is asked as HTTP does', async () => {
    const ofTick = (query: string) => query.replace('viewer', 'ticks(count: 1)').replace(/^/, 'subscription ');
    for (const [query, code] of [
      ['subscription { ticks(count: 1) { salary } }', 'BAD_REQUEST'],
      ['subscription { ticks(count: "1") { id } }', 'BAD_REQUEST'],
      ['subscription {', 'BAD_REQUEST'], [ofTick(nested(25)), 'LIMIT_EXCEEDED'], [aliased(100), 'LIMIT_EXCEEDED'],
    ] as const) expect(await refusal(query)).toMatchObject([{ extensions: { code } }]);
  });

  it('says nothing of what a source met', async () => {
    const answer = await refusal('subscription { broken { id } }');
    expect(JSON.stringify(answer)).toContain('INTERNAL');
    expect(JSON.stringify(answer)).not.toContain('sertraline');
  });

  it('disconnects a receiver that does not take what it is sent', async () => {
    const socket = new WebSocket(api.ws, 'graphql-transport-ws');
    const closed = new Promise((resolve) => socket.on('close', resolve));
    await new Promise((resolve) => socket.on('open', resolve));
    say({ type: 'connection_init', payload: { authorization: `Bearer ${token}` } })(socket);
    await new Promise((resolve) => socket.once('message', resolve));
    say({ type: 'subscribe', id: '1', payload: { query: 'subscription { ticks(count: 1000, size: 500000) { name } }' } })(socket);
    await new Promise((resolve) => socket.once('message', resolve));
    socket.pause();
    await sourcesEnd();
    socket.resume();
    await closed;
  }, 20_000);
});

describe('Health', () => {
  it('is told without a token', async () => {
    expect((await fetch(`${api.url}/health/live`)).status).toBe(200);
    const ready = await fetch(`${api.url}/health/ready`);
    expect([ready.status, await ready.json()]).toEqual([200, {
      status: 'ok',
      details: {
        store: { status: 'up' }, database: { status: 'up' },
        projector: { status: 'up', lagEvents: 0, stoppedParticipants: 0 }, relay: { status: 'up', enabled: false },
      },
    }]);
  });
});

describe('Metrics', () => {
  const scrape = (url: string, authorization?: string) =>
    fetch(`${url}/metrics`, authorization === undefined ? {} : { headers: { authorization } });

  it('are for whoever bears their token, where there is one', async () => {
    for (const environment of ['development', 'production'] as const) {
      const { url } = await start(environment, { metricsToken: 'a-token-for-metrics' });
      for (const wrong of [undefined, '', 'Bearer', 'Bearer a-token-for-metricz', `Bearer ${token}`, 'a-token-for-metrics']) {
        const refused = await scrape(url, wrong);
        expect([refused.status, await refused.text()]).toEqual([401, expect.not.stringContaining('peerbridge_')]);
      }
      expect(await (await scrape(url, 'bearer a-token-for-metrics')).text()).toContain('peerbridge_commands_total');
    }
  });

  it('are nobody\'s in production where there is none, and open in development', async () => {
    expect((await scrape((await start('production')).url, `Bearer ${token}`)).status).toBe(404);
    expect((await scrape(api.url)).status).toBe(200);
  });
});

describe('A page of another site', () => {
  const preflight = (url: string, origin: string) => fetch(`${url}/graphql`, {
    method: 'OPTIONS',
    headers: { origin, 'access-control-request-method': 'POST', 'access-control-request-headers': 'authorization,content-type' },
  });
  const allowed = ({ headers }: Response) => headers.get('access-control-allow-origin');

  it('may ask where its origin is configured, without cookies, and nobody else', async () => {
    const { url } = await start('production', { corsOrigins: ['https://app.example', 'http://localhost:5173'] });
    for (const origin of ['https://app.example', 'http://localhost:5173']) {
      const answer = await preflight(url, origin);
      expect([answer.status, allowed(answer), answer.headers.get('access-control-allow-headers')])
        .toEqual([204, origin, 'authorization, content-type']);
      expect(answer.headers.get('access-control-allow-credentials')).toBeNull();
      const asked = await fetch(`${url}/graphql`, {
        method: 'POST', body: '{"query":"{ viewer { id } }"}',
        headers: { origin, authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      });
      expect([asked.status, allowed(asked)]).toEqual([200, origin]);
    }
    for (const origin of ['https://evil.example', 'https://app.example.evil.example', 'http://app.example', 'null']) {
      expect(allowed(await preflight(url, origin))).toBeNull();
    }
  });

  it('may not where nothing is configured', async () => {
    expect(allowed(await preflight(api.url, 'https://app.example'))).toBeNull();
  });

  it.each([
    ['by a name of its own that points here', { host: 'evil.example' }], ['by one with our port', { host: 'evil.example:3000' }],
    ['by a name that begins like ours', { host: 'localhost.evil.example' }], ['by a user of ours', { host: 'evil@localhost' }],
    ['by an address of the network', { host: '192.168.0.7:3000' }], ['from its own origin', { origin: 'https://evil.example' }],
    ['from a page without one', { origin: 'null' }],
  ])('gets nothing of development %s', async (_how, headers) => {
    const { hostname, port } = new URL(api.url);
    for (const [method, path] of [['POST', '/dev/token'], ['GET', '/dev/roles'], ['PUT', '/dev/clock'], ['GET', '/explorer'],
      ['GET', '/.well-known/jwks.json']] as const) {
      const answer = await new Promise<{ status: number | undefined; text: string }>((resolve, reject) => {
        const sent = { host: `localhost:${port}`, ...headers };
        const request = rawRequest({ hostname, port, method, path, headers: sent }, (response) => {
          const chunks: Buffer[] = [];
          response.on('data', (chunk: Buffer) => chunks.push(chunk));
          response.on('end', () => resolve({ status: response.statusCode, text: String(Buffer.concat(chunks)) }));
        });
        request.on('error', reject);
        request.end();
      });
      expect({ path, ...answer }).toEqual({ path, status: expect.any(Number), text: expect.not.stringContaining('token"') });
      expect([400, 403]).toContain(answer.status);
    }
  });

  it('does not keep this machine from asking by any of its names', async () => {
    const { port } = new URL(api.url);
    for (const host of ['localhost', `localhost:${port}`, '127.0.0.1', `127.0.0.1:${port}`, '[::1]', `[::1]:${port}`]) {
      const status = await new Promise((resolve, reject) => {
        rawRequest({ hostname: '127.0.0.1', port, path: '/dev/roles', headers: { host, origin: `http://${host}` } },
          (response) => resolve(response.resume().statusCode)).on('error', reject).end();
      });
      expect([host, status]).toEqual([host, 200]);
    }
  });
});

describe('In development', () => {
  const send = (method: string, path: string, body: unknown, url = api.url) =>
    answerOf(fetch(url + path, { method, body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }));

  it('a token is had for the asking', async () => {
    const { status, body } = await send('POST', '/dev/token', { ...fixtureClaims('housing'), sub: 'somebody' });
    expect(status).toBe(200);
    const answer = await post('{"query":"{ viewer { role } }"}', { authorization: `Bearer ${body.access_token}` });
    expect(answer.body.data).toEqual({ viewer: { role: 'housing' } });
    expect(codeOf(await send('POST', '/dev/token', { role: 'king' }))).toEqual([400, 'BAD_REQUEST']);
  });

  it('the clock is frozen and freed', async () => {
    expect((await send('PUT', '/dev/clock', { now: '2026-03-01T00:00:00Z' })).status).toBe(200);
    expect(clock.now().toISOString()).toBe('2026-03-01T00:00:00.000Z');
    for (const body of [{}, { now: 'soon' }, { now: 5 }, { now: null, then: 1 }]) {
      expect(codeOf(await send('PUT', '/dev/clock', body))).toEqual([400, 'BAD_REQUEST']);
    }
    expect((await send('PUT', '/dev/clock', { now: null })).status).toBe(200);
    expect(Math.abs(clock.now().getTime() - Date.now())).toBeLessThan(60_000);
  });

  it('the explorer is served whole, from here alone', async () => {
    const html = await (await fetch(`${api.url}/explorer`)).text();
    const links = [...html.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, link]) => link ?? '');
    expect(links).toHaveLength(6);
    for (const link of links) {
      expect(link).toMatch(/^\/explorer\//);
      const response = await fetch(api.url + link);
      expect([response.status, (await response.text()).length > 200]).toEqual([200, true]);
    }
  });

  it('the clock cannot be set unless that was asked for', async () => {
    const plain = await start('development');
    expect((await send('PUT', '/dev/clock', { now: null }, plain.url)).status).toBe(404);
  });
});

describe('In production', () => {
  it('there is no introspection, no suggestion, no explorer and nothing of development', async () => {
    const production = await start('production');
    expect(codeOf(await ask('{ __schema { types { name } } }', {}, production.url))).toEqual([400, 'BAD_REQUEST']);
    expect((await ask('{ viewer { idd } }', {}, production.url)).body.errors?.[0]?.message).not.toContain('Did you mean');
    expect((await ask('{ viewer { role } }', {}, production.url)).body.data).toEqual({ viewer: { role: 'peer' } });
    for (const [method, path] of [['POST', '/dev/token'], ['PUT', '/dev/clock'], ['GET', '/dev/roles'], ['GET', '/explorer'],
      ['GET', '/graphiql'], ['GET', '/.well-known/jwks.json']] as const) {
      expect((await fetch(production.url + path, { method })).status).toBe(404);
    }
  });
});

describe('The log of requests', () => {
  it('tells what was answered and holds no token, variable or query string', () => {
    const lines = logLines.map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(lines).toContainEqual(expect.objectContaining({
      msg: 'answered', method: 'POST', path: '/graphql', status: 200, role: 'peer', requestId: expect.any(String),
    }));
    const secrets = [token, 'viewer{id}', 'sertraline', 'commandId'];
    expect(logLines.filter((line) => secrets.some((secret) => line.includes(secret)))).toEqual([]);
  });
});
