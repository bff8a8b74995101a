import { AsyncLocalStorage } from 'node:async_hooks';
import http from 'node:http';
import { mkdtemp } from 'node:fs/promises';
import path from 'node:path';
import pg, { type QueryConfig } from 'pg';
import { loadConfig } from '@peerbridge/platform';
import { startApi, type RunningApi } from '../../apps/api/api.js';
import { startProjector } from '../../apps/projector/projector.js';
import { describeDevelopment } from '../../apps/standalone/dev-file.js';
import { registerFixtureOrganizations } from '../../apps/standalone/fixture.js';
import { openSystem, type System } from '../../apps/system.js';
import { createTestDatabase, testRunFolder, type TestDatabase } from './postgres.js';
import { Client, type Claims, type Dev, type TestSystem } from './system.js';

/** A statement that a request sent, with what it was sent. */
export interface Sent {
  text: string;
  values: readonly unknown[];
}

/** The product in this process, so that what each of its requests asks the database can be heard. */
export interface Overheard extends Pick<TestSystem, 'dev' | 'as' | 'token'> {
  database: TestDatabase;
  system: System;
  api: RunningApi;
  /** What the requests of this work sent to the database, in order; what goes on in the background is none of it. */
  statementsOf(work: () => Promise<unknown>): Promise<Sent[]>;
  stop(): Promise<void>;
}

/** Within a request: where it is written down. */
const listening = new AsyncLocalStorage<Sent[]>();

export async function startOverheard(env: Record<string, string> = {}): Promise<Overheard> {
  let heard: Sent[] = [];
  const restore = [
    overhear(http.Server.prototype, 'emit', (emit) => function emitted(this: http.Server, event: string, ...rest: unknown[]) {
      const go = () => emit.call(this, event, ...rest);
      return event === 'request' ? listening.run(heard, go) : go();
    }),
    overhear(pg.Client.prototype, 'query', (query) => function queried(this: pg.Client, ...args: unknown[]) {
      const [asked, values] = args as [string | QueryConfig, unknown[]?];
      const sent = typeof asked === 'string' ? { text: asked, values } : asked;
      listening.getStore()?.push({ text: sent.text, values: sent.values ?? [] });
      return query.apply(this, args);
    }),
  ];
  const database = await createTestDatabase({ poolSize: 4 });
  const dataDir = await mkdtemp(path.join(testRunFolder(), 'overheard-'));
  const config = loadConfig({ DATABASE_URL: database.url, DATA_DIR: dataDir, PORT: '0', LOG_LEVEL: 'silent', ...env });
  const system = await openSystem(config, 'overheard');
  const projector = startProjector(system);
  const api = await startApi(system);
  await api.answering.trust.established(60_000);
  await registerFixtureOrganizations(api.answering.executor);
  const dev = await describeDevelopment(api.address, api.issuer!, config) as Dev;
  const latest: { position: string | undefined } = { position: undefined };
  return {
    dev, database, system, api,
    as: (roleOrToken) => new Client(() => dev, dev.tokens[roleOrToken] ?? roleOrToken, latest),
    token: async (claims: Claims) => (await api.issuer!.issue(claims)).access_token,
    async statementsOf(work) {
      heard = [];
      await work();
      return heard;
    },
    async stop() {
      await api.stop();
      await projector.stop();
      await system.close();
      await database.drop();
      restore.forEach((undo) => undo());
    },
  };
}

type Method = (this: never, ...args: never[]) => unknown;
type Original = (this: unknown, ...args: unknown[]) => unknown;

/** Puts another in place of a method. Returns the way to undo it. */
function overhear(owner: object, name: string, instead: (original: Original) => unknown) {
  const methods = owner as Record<string, Method>;
  const original = methods[name]!;
  methods[name] = instead(original as never) as Method;
  return () => { methods[name] = original; };
}
