import { setTimeout as delay } from 'node:timers/promises';
import pg, { type CustomTypesConfig } from 'pg';
import { openEmbeddedPostgres } from './embedded-postgres.js';
import { Pipeline } from './pipeline.js';

export interface Database {
  url: string;
  /** For statements that answer within half a minute: silence for so long is a failure. */
  pool: pg.Pool;
  /** For what may take minutes, such as a rebuild: as patient as it takes. */
  patient: pg.Pool;
  /** More connections, for short statements. Whoever opens them closes them before the database. */
  pipeline(connections: number, settings?: Settings): Pipeline;
  /** A pool for one purpose, which nothing else can fill. Whoever opens it closes it before the database. */
  open(options: PoolOptions): SturdyPool;
  /** A connection that is used for nothing else. Whoever opens it ends it, and listens to its errors. */
  connect(): Promise<pg.Client>;
  /** Closes the pools, with what is under way on them, and stops the embedded server where nobody else uses it. */
  close(): Promise<void>;
}

export interface DatabaseOptions {
  /** Undefined: the embedded PostgreSQL in `dataDir`. */
  databaseUrl?: string | undefined;
  dataDir: string;
  poolSize?: number;
  /** 0: a connection of the pool is kept, and what its session holds with it. Ten seconds unless told otherwise. */
  idleTimeoutMillis?: number;
  /** Shown by the server's activity view. */
  applicationName: string;
  log?: (message: string) => void;
}

export interface PoolOptions extends Pick<pg.PoolConfig, 'max' | 'connectionTimeoutMillis' | 'query_timeout'> {
  /** Shown by the server's activity view, after the application's name. */
  purpose: string;
}

type Settings = Readonly<Record<string, string>>;

/** What every session needs, whatever its server, database or role set for theirs. */
const SESSION: Settings = {
  timezone: 'UTC',
  datestyle: 'ISO',
  // Plans that avoid sorts and scans look dear, and compiling them takes ten times as long as running them.
  jit: 'off',
  // A decision is read in a later statement than the lock, and must see what came before it.
  default_transaction_isolation: 'read\\ committed',
  default_transaction_read_only: 'off',
  // Leases, locks and LISTEN live as long as their session. What waits has bounds of its own.
  idle_session_timeout: '0',
  idle_in_transaction_session_timeout: '0',
  statement_timeout: '0',
  lock_timeout: '0',
};

const CONNECT_TIMEOUT_MS = 10_000;
/** The other end may be gone without a word: nobody waits for it for ever. */
const ANSWER_WITHIN_MS = 30_000;
const PATIENT_CONNECTIONS = 3;
/** What is under way when a pool closes has so long to end. */
const CLOSE_WITHIN_MS = 2_000;

/**
 * A pool that is known to reach its server. Values arrive as: timestamptz an RFC 3339 UTC string with milliseconds, date a
 * 'YYYY-MM-DD' string, int8 a number (RangeError beyond 2^53), numeric a string, and arrays of these alike.
 * @throws EmbeddedPostgresError, or the driver's error when the server given cannot be reached
 */
export async function openDatabase(options: DatabaseOptions): Promise<Database> {
  const { dataDir, applicationName, poolSize = 10, idleTimeoutMillis = 10_000, log = () => {} } = options;
  const embedded = options.databaseUrl === undefined ? await openEmbeddedPostgres({ dataDir, log }) : undefined;
  const url = embedded?.url ?? options.databaseUrl!;
  const { connectionString, optionsGiven } = splitOptions(url);
  const connection = (settings: Settings = {}, purpose?: string): pg.ClientConfig => ({
    connectionString,
    application_name: purpose === undefined ? applicationName : `${applicationName}-${purpose}`,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    keepAlive: true,
    options: [
      ...optionsGiven, ...Object.entries({ ...SESSION, ...settings }).map(([name, to]) => `-c ${name}=${to}`),
    ].join(' '),
    types,
  });
  const broke = (error: Error) => log(`A database connection broke: ${error.message}`);
  const { pool, close: closePool } = openPool({
    ...connection(), max: poolSize, idleTimeoutMillis, query_timeout: ANSWER_WITHIN_MS,
  }, broke);
  const { pool: patient, close: closePatient } = openPool({ ...connection(), max: PATIENT_CONNECTIONS }, broke);
  const close = async (): Promise<void> => {
    await Promise.all([closePool(), closePatient()]);
    await embedded?.close();
  };
  try {
    await pool.query('select 1');
  } catch (error) {
    await close();
    throw error;
  }
  return {
    url, pool, patient, close,
    pipeline: (connections, settings) => new Pipeline(connection(settings), connections),
    open: ({ purpose, ...options }) => openPool({ ...connection({}, purpose), ...options }, broke),
    async connect() {
      const client = new pg.Client(connection());
      // Until whoever uses it listens, too, its end is nobody's, and must not end the process.
      client.on('error', () => undefined);
      await client.connect();
      return client;
    },
  };
}

/** The driver takes a URL's `options` in place of ours. */
function splitOptions(url: string): { connectionString: string; optionsGiven: string[] } {
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  const optionsGiven = parsed?.searchParams.getAll('options') ?? [];
  if (!parsed || optionsGiven.length === 0) return { connectionString: url, optionsGiven };
  parsed.searchParams.delete('options');
  return { connectionString: parsed.href, optionsGiven };
}

export interface SturdyPool {
  pool: pg.Pool;
  /** Waits for what is under way, but not for long: then its connection is cut. */
  close(): Promise<void>;
}

/** A pool whose connections may break at any time: whoever uses one hears of it from their query, an idle one is replaced. */
function openPool(config: pg.PoolConfig, broke: (error: Error) => void = () => undefined): SturdyPool {
  const pool = new pg.Pool(config).on('error', broke);
  const clients = new Set<pg.PoolClient>();
  pool.on('connect', (client) => {
    clients.add(client);
    // The pool takes its own listener off what it hands out, and an error that nobody listens to ends the process.
    client.on('error', () => undefined);
  });
  pool.on('remove', (client) => clients.delete(client));
  return {
    pool,
    async close() {
      const ended = pool.end();
      if (await Promise.race([ended.then(() => true), delay(CLOSE_WITHIN_MS, false, { ref: false })])) return;
      // Asking the server to end it would wait for one that is not there.
      for (const client of clients) (client as unknown as pg.Client).connection.stream.destroy();
      await Promise.race([ended, delay(CLOSE_WITHIN_MS, undefined, { ref: false })]);
    },
  };
}

const { INT8, DATE, TIMESTAMPTZ } = pg.types.builtins;
const TEXT_ARRAY = 1009;
const parseTextArray = (pg.types.getTypeParser as (oid: number) => (text: string) => (string | null)[])(TEXT_ARRAY);

const scalars: Record<number, (text: string) => unknown> = {
  [INT8]: parseInteger,
  [DATE]: (text) => text,
  [TIMESTAMPTZ]: parseInstant,
};
/** The oid of an array type → that of its elements. */
const arrays: Record<number, number> = { 1016: INT8, 1182: DATE, 1185: TIMESTAMPTZ };

const parsers = new Map<number, (text: string) => unknown>([
  ...Object.entries(scalars).map(([oid, parse]) => [Number(oid), parse] as const),
  ...Object.entries(arrays).map(([oid, element]) => [
    Number(oid),
    (text: string) => parseTextArray(text).map((value) => (value === null ? null : scalars[element]!(value))),
  ] as const),
]);

const types = {
  getTypeParser: (oid: number, format?: 'text' | 'binary') =>
    (format === 'binary' ? undefined : parsers.get(oid)) ?? pg.types.getTypeParser(oid, format),
} as CustomTypesConfig;

function parseInteger(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value)) throw new RangeError(`${text} is beyond the integers that JavaScript keeps exactly`);
  return value;
}

/** '2025-03-01 09:30:00.5+00' → '2025-03-01T09:30:00.500Z'. */
function parseInstant(text: string): string {
  const [, day, time, fraction = ''] = /^(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d)(?:\.(\d+))?\+00$/.exec(text) ?? [];
  if (!day) throw new RangeError(`${text} is not an instant of the years 1 to 9999 in UTC`);
  return `${day}T${time}.${fraction.slice(0, 3).padEnd(3, '0')}Z`;
}
