import pg from 'pg';
import { CommandExecutor } from '@peerbridge/command';
import { capabilities } from '@peerbridge/care';
import { commandProjection, PersonLocks, SharedView, wallProjection } from '@peerbridge/disclosure';
import type { EventStore } from '@peerbridge/event-store';
import { openEventStoreDb } from '@peerbridge/event-store/eventstoredb';
import { PostgresEventStore } from '@peerbridge/event-store/postgres';
import { NodeTypes, workerLookUp } from '@peerbridge/graphql';
import { AdjustableClock, systemClock, type Clock } from '@peerbridge/kernel';
import { createLog, Metrics, migrate, openDatabase, type Config, type Database, type Logger } from '@peerbridge/platform';
import { runtimeMigrations, View, ViewLag, viewMigrations, ViewPosition } from '@peerbridge/projection';
import { EventCodec, keysFromFile, Vault, vaultMigrations } from '@peerbridge/vault';

/** A view that stood still for this long while the log moved on is no ground for a decision. */
const LAG_BOUND_MS = 30_000;
/** A withdrawal waits this long for deliveries to end; each ends within two seconds or its receiver is disconnected. */
const DRAIN_WAIT_MS = 5_000;

const READING_CONNECTIONS = 4;
/** Every read of the view has an index that gives its order: plans do not wait for statistics, and are made once. */
const BY_INDEX = { plan_cache_mode: 'force_generic_plan', enable_sort: 'off', enable_seqscan: 'off' };

/** What every process of the system is made of: adapters chosen by the configuration, wired once. */
export interface System {
  config: Config;
  log: Logger;
  metrics: Metrics;
  /** Adjustable where the configuration allows it. */
  clock: Clock;
  database: Database;
  store: EventStore;
  vault: Vault;
  codec: EventCodec;
  view: View;
  /** A connection of its own to the database, for LISTEN and leases. */
  connect(): Promise<pg.Client>;
  close(): Promise<void>;
}

export async function openSystem(config: Config, name: string, log: Logger = createLog(config.logLevel)): Promise<System> {
  const database = await openDatabase({
    databaseUrl: config.databaseUrl, dataDir: config.dataDir, applicationName: `peerbridge-${name}`, poolSize: 16,
    log: (message) => log.info(message),
  });
  try {
    await migrate(database.pool, 'vault', vaultMigrations);
    await migrate(database.pool, 'runtime', [...runtimeMigrations, ...viewMigrations]);
    const store = config.eventStoreDbUrl
      ? await openEventStoreDb({ connectionString: config.eventStoreDbUrl, log })
      : await PostgresEventStore.open({ pool: database.pool });
    const keks = await keysFromFile(config.keyEncryptionKeyFile, { create: config.environment !== 'production' });
    const vault = new Vault(database.pool, keks);
    const streams = capabilities.flatMap((capability) => capability.streams);
    const codec = new EventCodec(streams.flatMap((stream) => stream.events), vault);
    const view = new View([...capabilities.flatMap(({ projections }) => projections), wallProjection, commandProjection(streams)]);
    return {
      config, log, metrics: new Metrics(), clock: config.devClock ? new AdjustableClock() : systemClock,
      database, store, vault, codec, view,
      async connect() {
        const client = new pg.Client({ connectionString: database.url, application_name: `peerbridge-${name}`, keepAlive: true });
        await client.connect();
        return client;
      },
      async close() {
        await store.close();
        await database.close();
      },
    };
  } catch (error) {
    await database.close();
    throw error;
  }
}

/** The side that answers: reads through disclosure, and commands. */
export interface Answering {
  shared: SharedView;
  locks: PersonLocks;
  executor: CommandExecutor;
  nodes: NodeTypes;
  lag: ViewLag;
  close(): Promise<void>;
}

export async function openAnswering(
  { config, metrics, clock, database, store, vault, codec, connect }: System, { lagBoundMs = LAG_BOUND_MS } = {},
): Promise<Answering> {
  const ended = new AbortController();
  const position = new ViewPosition(database.pool, connect);
  await position.start();
  const lag = new ViewLag(store, position, lagBoundMs);
  void lag.watch(ended.signal, (events) => metrics.projectionLag.set(events));
  const lockPool = (holder: string, options: pg.PoolConfig): pg.Pool => new pg.Pool({
    connectionString: database.url, application_name: `peerbridge-${holder}`, keepAlive: true, ...options,
  }).on('error', () => undefined);
  const deliveries = lockPool('deliveries', { max: 12 });
  const withdrawals = lockPool('withdrawals', { max: 4, connectionTimeoutMillis: DRAIN_WAIT_MS });
  const locks = new PersonLocks(deliveries, withdrawals, DRAIN_WAIT_MS);
  const reads = database.pipeline(READING_CONNECTIONS, BY_INDEX);
  const shared = new SharedView({
    statements: reads, store, position, codec, clock, readWaitMs: config.readWaitMs,
    isUnknowable: () => lag.isPastBound,
    observe: (role, outcome) => metrics.disclosureDecisions.inc({ role, outcome }),
  });
  return {
    shared, locks, lag,
    executor: new CommandExecutor({ store, codec, vault, view: shared, locks, clock }),
    nodes: new NodeTypes(
      capabilities.flatMap(({ nodeTypes }) => nodeTypes), [...capabilities.flatMap(({ lookUps }) => lookUps), workerLookUp]),
    async close() {
      ended.abort();
      await position.close();
      await Promise.all([deliveries.end(), withdrawals.end(), reads.close()]);
    },
  };
}
