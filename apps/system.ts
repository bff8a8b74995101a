import pg from 'pg';
import { CommandExecutor } from '@peerbridge/command';
import { capabilities } from '@peerbridge/care';
import { commandProjection, MemberNames, memberNameMigrations, PersonLocks, Places, SharedView } from '@peerbridge/disclosure';
import { StoreRefuses, StoreUnavailable, type EventStore } from '@peerbridge/event-store';
import { openEventStoreDb } from '@peerbridge/event-store/eventstoredb';
import { PostgresEventStore } from '@peerbridge/event-store/postgres';
import { NodeTypes, workerLookUp } from '@peerbridge/graphql';
import { AdjustableClock, systemClock, type Clock } from '@peerbridge/kernel';
import { RELAY } from '@peerbridge/messaging';
import {
  ConfigError, createLog, Metrics, migrate, openDatabase, type Config, type Database, type Logger,
} from '@peerbridge/platform';
import { LogLag, PostgresCheckpointStore, runtimeMigrations, View, ViewPosition, ViewTrust } from '@peerbridge/projection';
import { EventCodec, KeyedIds, OpaqueText, Vault, vaultMigrations } from '@peerbridge/vault';
import { openKeys, requireToOpen } from './keys.js';
import { stopped, unlessAborted } from './process.js';

/** A view that was not seen within this time to have all that was in the log is no ground for an answer. */
const LAG_BOUND_MS = 30_000;
/** A relay that has not moved for this long while the log is ahead is down, wherever it should run. */
const RELAY_STANDS_STILL_MS = 30_000;
/** A withdrawal waits this long for deliveries to end; each ends within two seconds or its receiver is disconnected. */
const DRAIN_WAIT_MS = 5_000;

/** A delivery waits this long for a connection; each is given back within two seconds. */
const DELIVERY_WAIT_MS = 60_000;
/** Longer than anybody holds a person's lock; silence beyond it is a broken connection. */
const LOCK_WITHIN_MS = 15_000;

const READING_CONNECTIONS = 4;
/** What commands and withdrawals read waits for no reader. */
const COMMANDS_READING_CONNECTIONS = 2;
/** Every read of the view has an index that gives its order: plans do not wait for statistics, and are made once. */
const BY_INDEX = {
  plan_cache_mode: 'force_generic_plan', enable_sort: 'off', enable_seqscan: 'off', max_parallel_workers_per_gather: '0',
  // Sooner than this process gives up waiting: nothing goes on that nobody waits for.
  statement_timeout: '10000',
};

const streams = capabilities.flatMap((capability) => capability.streams);
const codecOver = (vault: Vault) => new EventCodec(streams.flatMap((stream) => stream.events), vault);

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
  places: Places;
  view: View;
  /** A connection of its own to the database, for LISTEN and leases. */
  connect: Database['connect'];
  close(): Promise<void>;
}

export interface OpenOptions {
  log?: Logger;
  /** Gives up, and leaves nothing open, when it aborts. */
  signal?: AbortSignal;
}

export async function openSystem(
  config: Config, name: string, { log = createLog(config.logLevel), signal }: OpenOptions = {},
): Promise<System> {
  for (const warning of config.warnings) log.warn(warning);
  const database = await openDatabase({
    databaseUrl: config.databaseUrl, dataDir: config.dataDir, applicationName: `peerbridge-${name}`, poolSize: 16,
    log: (message) => log.info(message),
  }).catch((error: unknown) => {
    throw config.databaseUrl === undefined ? error : new ConfigError([`DATABASE_URL: ${reasonOf(error)}`]);
  });
  try {
    await unlessAborted(signal, migrate(database.patient, 'vault', vaultMigrations));
    await unlessAborted(signal, migrate(database.patient, 'runtime', [...runtimeMigrations, ...memberNameMigrations]));
    const vault = new Vault(database.pool, await openKeys(config, database.pool, log));
    await requireToOpen(vault, config.keyEncryptionKeyFile);
    const store = await unlessAborted(signal, openStore(config, database, log));
    const codec = codecOver(vault);
    const view = new View([...capabilities.flatMap(({ projections }) => projections), commandProjection(streams)]);
    return {
      config, log, metrics: new Metrics(), clock: config.devClock ? new AdjustableClock() : systemClock,
      database, store, vault, codec, view, places: new Places(new OpaqueText(await vault.secret('places', OpaqueText.keyBytes))),
      connect: () => database.connect(),
      async close() {
        await stopped(store.close());
        await database.close();
      },
    };
  } catch (error) {
    await database.close();
    throw error;
  }
}

async function openStore({ eventStoreDbUrl }: Config, { pool }: Database, log: Logger): Promise<EventStore> {
  if (!eventStoreDbUrl) return PostgresEventStore.open({ pool });
  return openEventStoreDb({ connectionString: eventStoreDbUrl, log }).catch((error: unknown) => {
    if (error instanceof Error && error.message.startsWith('Failed to load certificate file')) {
      throw new ConfigError(['EVENTSTOREDB_URL names a tlsCAFile that is not there']);
    }
    // The client's own words would quote it.
    if (error instanceof Error && 'connectionString' in error) {
      throw new ConfigError(['EVENTSTOREDB_URL has an option whose value the client does not take']);
    }
    if (error instanceof StoreRefuses) throw new ConfigError([`EVENTSTOREDB_URL: ${error.message}`]);
    if (error instanceof StoreUnavailable) throw new ConfigError(['EVENTSTOREDB_URL: the server cannot be reached']);
    throw error;
  });
}

/** In a few words: the driver's error says it where the server answered, its code where it did not. */
function reasonOf(error: unknown): string {
  if (error instanceof pg.DatabaseError) return error.message;
  const { code, message } = error as NodeJS.ErrnoException;
  return `the server cannot be reached (${code ?? message})`;
}

/** The side that answers: reads through disclosure, and commands. */
export interface Answering {
  shared: SharedView;
  locks: PersonLocks;
  executor: CommandExecutor;
  nodes: NodeTypes;
  names: MemberNames;
  trust: ViewTrust;
  /** Of the relay, wherever it runs; undefined where it is off. */
  relayLag: LogLag | undefined;
  close(): Promise<void>;
}

export async function openAnswering(
  { config, metrics, clock, database, store, vault, view, codec, places, connect }: System,
  { lagBoundMs = LAG_BOUND_MS } = {},
): Promise<Answering> {
  const ended = new AbortController();
  const position = new ViewPosition(database.pool, connect);
  await position.start();
  const trust = new ViewTrust({ store, position, view, boundMs: lagBoundMs, waitMs: config.readWaitMs });
  const lockPool = (purpose: string, max: number, connectionTimeoutMillis: number) =>
    database.open({ purpose, max, connectionTimeoutMillis, query_timeout: LOCK_WITHIN_MS });
  const deliveries = lockPool('deliveries', 12, DELIVERY_WAIT_MS);
  const withdrawals = lockPool('withdrawals', 4, DRAIN_WAIT_MS);
  const locks = new PersonLocks(deliveries.pool, withdrawals.pool, DRAIN_WAIT_MS);
  const reads = database.pipeline(READING_CONNECTIONS, BY_INDEX);
  const commandsReads = database.pipeline(COMMANDS_READING_CONNECTIONS, BY_INDEX);
  const readingVault = vault.over(reads);
  const names = new MemberNames({
    reads: { statements: reads, vault: readingVault }, writes: { statements: database.pool, vault },
  });
  const shared = new SharedView({
    names, statements: reads, store, position, trust, codec: codecOver(readingVault), places, clock,
    readWaitMs: config.readWaitMs,
    observe: (role, outcome) => metrics.disclosureDecisions.inc({ role, outcome }),
  });
  void trust.watch(ended.signal, async () => {
    metrics.projectionLag.set(trust.lagEvents);
    metrics.projectionStopped.set(await shared.stoppedParticipants());
  });
  const relayLag = config.kafkaBrokers && watchRelay(new PostgresCheckpointStore(database.pool), store, metrics, ended.signal);
  return {
    shared, locks, trust, relayLag, names,
    executor: new CommandExecutor({
      store, codec, vault, ids: new KeyedIds(await vault.secret('ids', KeyedIds.keyBytes)),
      view: new SharedView({ ...shared.options, statements: commandsReads }), locks, clock,
    }),
    nodes: new NodeTypes(
      capabilities.flatMap(({ nodeTypes }) => nodeTypes), [...capabilities.flatMap(({ lookUps }) => lookUps), workerLookUp]),
    async close() {
      ended.abort();
      await position.close();
      await stopped(Promise.all([deliveries.close(), withdrawals.close(), reads.close(), commandsReads.close()]));
    },
  };
}

/** By its checkpoint, for it may be another process's. */
function watchRelay(checkpoints: PostgresCheckpointStore, store: EventStore, metrics: Metrics, signal: AbortSignal): LogLag {
  const lag = new LogLag(store, async () => {
    const { checkpoint, published } = await checkpoints.progress(RELAY);
    metrics.setRelayPublished(published);
    return checkpoint;
  }, RELAY_STANDS_STILL_MS);
  void lag.watch(signal, (events) => metrics.relayLag.set(events));
  return lag;
}
