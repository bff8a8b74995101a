import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createServer, type Server } from 'node:http';
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { once } from 'node:events';
import { createServer as createTcpServer, type AddressInfo } from 'node:net';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { comparePositions, type EventStore, type RecordedEvent } from '@peerbridge/event-store';
import { openEventStoreDb } from '@peerbridge/event-store/eventstoredb';
import { DEV_AUDIENCE, DEV_ISSUER, DevIssuer } from '@peerbridge/identity';
import { careEvents } from '@peerbridge/messaging';
import { PostgresCheckpointStore } from '@peerbridge/projection';
import { startEventStoreDouble, type EventStoreDouble } from '../support/eventstoredb-double.js';
import { seededChance } from '../support/faults.js';
import { groupBy } from '../support/group-by.js';
import { readTopic, type TopicMessage } from '../support/kafka-reader.js';
import { kafkaAvailable, startKafka, type KafkaServer } from '../support/kafka.js';
import { Listener } from '../support/listener.js';
import { Parts, type Api } from '../support/parts.js';
import { placesOf } from '../support/places.js';
import { testRunFolder } from '../support/postgres.js';
import { ProductProcess } from '../support/product-process.js';
import { enrollP1 } from '../support/story.js';
import { WriteLoad } from '../support/write-load.js';

const METRICS_TOKEN = 'those-who-operate-the-system';
const describeWithKafka = kafkaAvailable() ? describe : describe.skip;

describeWithKafka('The parts in production, over EventStoreDB, PostgreSQL and Kafka', () => {
  let double: EventStoreDouble;
  let kafka: KafkaServer;
  let issuer: Server;
  let parts: Parts;
  let api: Api;
  let relay: ProductProcess;
  let store: EventStore;

  beforeAll(async () => {
    const dataDir = await mkdtemp(path.join(testRunFolder(), 'production-'));
    issuer = await serveKeys(await DevIssuer.open({ dataDir, environment: 'test' }));
    [double, kafka] = await Promise.all([startEventStoreDouble(), startKafka()]);
    parts = await Parts.open({
      NODE_ENV: 'production', DATA_DIR: dataDir, OIDC_ISSUER: DEV_ISSUER, OIDC_AUDIENCE: DEV_AUDIENCE,
      OIDC_JWKS_URL: `http://127.0.0.1:${(issuer.address() as AddressInfo).port}/jwks.json`,
      EVENTSTOREDB_URL: double.connectionString, KAFKA_BROKERS: kafka.brokers.join(','), METRICS_TOKEN,
    });
    [api] = await Promise.all([parts.api(), parts.projector()]);
    store = await openEventStoreDb(double);
  }, 300_000);
  afterAll(async () => {
    const codes = await parts?.close();
    await store?.close();
    await double?.close();
    await kafka?.close();
    issuer?.close();
    for (const code of codes ?? []) expect(code).toBe(0);
  });

  const readiness = async (): Promise<number> => (await fetch(new URL('/health/ready', api.dev.graphql))).status;
  const metric = async (name: string): Promise<number> => {
    const text = await (await fetch(api.dev.metrics, { headers: { authorization: `Bearer ${METRICS_TOKEN}` } })).text();
    return Number(new RegExp(`^peerbridge_${name} (\\d+)$`, 'm').exec(text)![1]);
  };
  const log = async (): Promise<RecordedEvent[]> => {
    const events: RecordedEvent[] = [];
    for await (const event of store.readAll()) events.push(event);
    return events;
  };
  /** What is of this log: the brokers may be others', too. */
  const published = async (): Promise<TopicMessage[]> => {
    const ids = new Set((await log()).map(({ metadata }) => metadata.eventId));
    const head = await store.head();
    const checkpoints = new PostgresCheckpointStore(parts.database.pool);
    for (;;) {
      const reached = await checkpoints.load('relay');
      if (reached && comparePositions(reached.position, head!) >= 0) break;
      await delay(50);
    }
    return (await readTopic(kafka.brokers, careEvents.name)).filter(({ headers }) => ids.has(headers['ce_id']!));
  };

  it('answer, show, deliver and publish', async () => {
    relay = await parts.relay();
    await parts.registerOrganizations(api);
    const story = await enrollP1(api);
    await story.join('clinician');
    await story.grantTpo();
    const listener = await Listener.open(api.dev.subscriptions, api.as('clinician'), story.id);
    await listener.pong();
    const { id: contactId } = await story.logContact({ visibility: 'team', coAuthored: true });
    while (!listener.entries.some(({ type, node }) => type === 'PeerContactLogged' && node?.id === contactId)) await delay(5);
    listener.close();
    expect(await api.as('clinician').query(`query($id: ID!, $atLeast: String) {
      participant(id: $id, atLeast: $atLeast) { contacts { edges { node { id } } } } }`, { id: story.id }))
      .toEqual({ participant: { contacts: { edges: [{ node: { id: contactId } }] } } });
    expect(await readiness()).toBe(200);
    expect((await published()).map(({ headers }) => headers['ce_type'])).toContain('peerbridge.PeerContactLogged.v2');
  });

  it('have nothing in them that is for development', async () => {
    for (const route of ['/dev/token', '/dev/clock', '/dev/roles', '/explorer']) {
      expect((await fetch(new URL(route, api.dev.graphql))).status).toBe(404);
    }
  });

  it('are seen from the API: a relay that is gone is behind, and down when it has not moved for half a minute', async () => {
    while (await metric('relay_published_total') !== (await log()).length) await delay(50);
    await relay.end('SIGTERM');
    await enrollP1(api);
    while (await metric('relay_lag_events') === 0) await delay(50);
    expect(await readiness()).toBe(200);
    const relayStatus = async (): Promise<string> =>
      (await (await fetch(api.dev.ready)).json() as { details: { relay: { status: string } } }).details.relay.status;
    while (await relayStatus() !== 'down') await delay(200);
    // The API answers as before.
    expect(await readiness()).toBe(200);
    relay = await parts.relay();
    while (await relayStatus() !== 'up') await delay(50);
    while (await metric('relay_lag_events') > 0) await delay(50);
    expect(await metric('relay_published_total')).toBe((await log()).length);
  });

  it('lose nothing and keep the order, though the event store fails and the relay is killed', async () => {
    const random = seededChance('Parts that are killed under a write load');
    const load = await WriteLoad.of(api, random.fork(), 8);
    load.start();
    await delay(random.between(100, 1_000));
    await relay.end('SIGKILL');
    await delay(random.between(100, 500));
    await double.kill();
    while (await readiness() !== 503) await delay(50);
    await double.restart();
    while (await readiness() !== 200) await delay(50);
    relay = await parts.relay();
    await delay(random.between(100, 1_000));
    await relay.end('SIGKILL');
    await delay(random.between(100, 500));
    await load.finish();
    relay = await parts.relay();

    const events = await log();
    const commands = groupBy(events, ({ metadata }) => `${metadata.actor.id}/${metadata.commandId}`);
    const places = await placesOf(parts.env);
    for (const { memberId, commandId, position } of load.acknowledged) {
      const types = commands.get(`${memberId}/${commandId}`)!.map(({ metadata }) => metadata.type);
      expect(new Set(types).size).toBe(types.length);
      expect(commands.get(`${memberId}/${commandId}`)!.at(-1)!.position).toBe(places.positionOf(position));
    }
    for (const stream of groupBy(events, (event) => event.stream).values()) {
      expect(stream.map(({ revision }) => revision)).toEqual(stream.map((_, index) => index));
    }

    const messages = await published();
    expect(new Set(messages.map(({ headers }) => headers['ce_id'])).size).toBe(events.length);
    const keyOf = ({ metadata, stream }: RecordedEvent): string => metadata.participantId ?? stream;
    const keys = groupBy(messages, ({ key }) => key);
    for (const [key, ofOne] of groupBy(events, keyOf)) {
      const sent = [...new Set(keys.get(key)!.map(({ headers }) => headers['ce_id']))];
      expect(sent).toEqual(ofOne.map(({ metadata }) => metadata.eventId));
    }
    const byId = new Map(events.map((event) => [event.metadata.eventId, event]));
    for (const { headers, value } of messages) {
      const { metadata, data } = byId.get(headers['ce_id']!)!;
      expect(headers).toEqual({
        'content-type': 'application/json', ce_specversion: '1.0', ce_id: metadata.eventId, ce_source: '/peerbridge',
        ce_type: `peerbridge.${metadata.type}.v${metadata.schemaVersion}`, ce_time: metadata.occurredAt,
      });
      expect(JSON.parse(value)).toEqual({ metadata, open: data.open, sealed: data.sealed });
    }
  }, 180_000);
});

describe('A process that cannot start', () => {
  const start = async (env: Record<string, string>): Promise<{ code: number | null; said: string[] }> => {
    const process = await ProductProcess.spawn('standalone', { LOG_LEVEL: 'warn', ...env });
    const code = await process.end();
    return { code, said: process.err.trim().split('\n') };
  };
  const newFolder = (): Promise<string> => mkdtemp(path.join(testRunFolder(), 'start-'));

  it('names everything that production lacks, a line each', async () => {
    const { code, said } = await start({ NODE_ENV: 'production', DATA_DIR: await newFolder() });
    expect(code).toBe(1);
    expect(said).toEqual([
      'peerbridge: OIDC_ISSUER is required in production: the issuer of development is refused',
      'peerbridge: OIDC_AUDIENCE is required in production: the issuer of development is refused',
      'peerbridge: OIDC_JWKS_URL is required in production: the issuer of development is refused',
    ]);
  });

  it('names everything that is malformed, and not its value', async () => {
    const { code, said } = await start({
      DATA_DIR: await newFolder(), PORT: 'many', DATABASE_URL: 'mysql://root:secret@db', KAFKA_BROKERS: 'secret', READ_WAIT_MS: '-1',
    });
    expect(code).toBe(1);
    expect(said.map((line) => line.split(' ')[1])).toEqual(['PORT', 'DATABASE_URL', 'KAFKA_BROKERS', 'READ_WAIT_MS']);
    expect(said.join()).not.toContain('secret');
  });

  it('says that its folder is none', async () => {
    const file = path.join(await newFolder(), 'file');
    await writeFile(file, '');
    expect(await start({ DATA_DIR: file })).toEqual({
      code: 1, said: [`peerbridge: ${file} cannot be used as a folder (EEXIST): set DATA_DIR to another one`],
    });
  });
});

describe('The whole system in one process', () => {
  let dataDir: string;
  const files = { dev: () => path.join(dataDir, 'dev.json'), version: () => path.join(dataDir, 'postgres', 'PG_VERSION') };
  beforeAll(async () => { dataDir = await mkdtemp(path.join(testRunFolder(), 'standalone-')); });

  const start = (env: Record<string, string> = {}): Promise<ProductProcess> =>
    ProductProcess.spawn('standalone', { DATA_DIR: dataDir, PORT: '0', LOG_LEVEL: 'warn', ...env });
  const exists = (file: string): Promise<boolean> => stat(file).then(() => true, () => false);
  const answersOf = async (process: ProductProcess): Promise<{ url: string; token: string }> => ({
    url: (await process.says(/GraphQL\s+(\S+)/))[1]!, token: (await process.says(/^ {2}peer\s+(\S+)$/m))[1]!,
  });
  const ask = async ({ url, token }: { url: string; token: string }, query: string): Promise<unknown> => {
    const headers = { 'content-type': 'application/json', authorization: `Bearer ${token}` };
    return (await fetch(url, { method: 'POST', headers, body: JSON.stringify({ query }) })).json();
  };

  it('stops cleanly when it is told to, and carries on with its data', async () => {
    const id = '3c9f6f0e-5f0c-4c1b-9a53-2f6b1d8f7a11';
    const first = await start();
    await ask(await answersOf(first), `mutation { enrollParticipant(input: {
      commandId: "first", participantId: "${id}", preferredName: "Jordan", language: "en" }) { id } }`);
    expect(await exists(files.dev())).toBe(true);
    expect(await first.end('SIGINT')).toBe(0);
    expect(await exists(files.dev())).toBe(false);

    const second = await start();
    expect(await ask(await answersOf(second), `{ participant(id: "${id}") { preferredName } }`))
      .toEqual({ data: { participant: { preferredName: 'Jordan' } } });
    expect(await second.end('SIGTERM')).toBe(0);
    expect(await exists(files.dev())).toBe(false);
  });

  it('says which port is taken, and stops its database again', async () => {
    const server = createTcpServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const process = await start({ PORT: String(port) });
    expect(await process.end()).toBe(1);
    expect(process.err.trim()).toBe(`peerbridge: Port ${port} of 127.0.0.1 is taken: set PORT to another one`);
    expect(await exists(path.join(dataDir, 'postgres', 'postmaster.pid'))).toBe(false);
    server.close();
  });

  it('says that its folder is damaged', async () => {
    await rm(files.version());
    const process = await start();
    expect(await process.end()).toBe(1);
    expect(process.err.trim()).toBe(`peerbridge: ${path.dirname(files.version())} is damaged (PG_VERSION is missing): `
      + 'restore it from a backup, or move it away to begin with an empty database');
  });
});

async function serveKeys(issuer: DevIssuer): Promise<Server> {
  const server = createServer((_, response) => {
    response.setHeader('content-type', 'application/json').end(JSON.stringify(issuer.jwks));
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return server;
}
