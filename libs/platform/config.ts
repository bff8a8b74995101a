import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';

export const logLevels = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const;
export type LogLevel = (typeof logLevels)[number];

/** What a process is told by its environment. Absent members mean: the embedded or development default. */
export interface Config {
  environment: 'development' | 'test' | 'production';
  host: string;
  port: number;
  /** Folder of everything the process keeps on disk. */
  dataDir: string;
  /** Unset: the embedded PostgreSQL under `dataDir`. */
  databaseUrl?: string;
  /** Unset: events are kept in PostgreSQL. */
  eventStoreDbUrl?: string;
  /** Unset: the relay is off. */
  kafkaBrokers?: string[];
  /** Unset: the issuer of development. */
  oidc?: OidcConfig;
  /** What a scrape of `/metrics` bears. Unset: open in development, and none in production. */
  metricsToken?: string;
  /** Sites whose scripts may ask, as in the header Origin. */
  corsOrigins: readonly string[];
  /** How long a read waits for the position it names, milliseconds. */
  readWaitMs: number;
  /** Whether `PUT /dev/clock` exists. */
  devClock: boolean;
  keyEncryptionKeyFile: string;
  /** What was asked for and is not done. */
  warnings: readonly string[];
  logLevel: LogLevel;
}

export interface OidcConfig {
  issuer: string;
  audience: string;
  jwksUrl: string;
}

/** Every mistake at once, each naming its variable and never its value: a URL may hold a password. */
export class ConfigError extends Error {
  constructor(readonly mistakes: readonly string[]) {
    super(mistakes.join('\n'));
    this.name = 'ConfigError';
  }
}

const wholeNumber = (max: number) =>
  z.string().regex(/^\d{1,9}$/).transform(Number).refine((n) => n <= max);
const urlWith = (...schemes: string[]) =>
  z.string().refine((text) => URL.canParse(text) && schemes.includes(new URL(text).protocol));
const flag = z.enum(['0', '1']).transform((value) => value === '1');
const isPort = (digits: string): boolean => Number(digits) >= 1 && Number(digits) <= 65_535;
const brokers = z.string()
  .transform((list) => list.split(',').map((broker) => broker.trim()))
  .refine((list) => list.every((broker) => isPort(/^[^\s:/]+:(\d{1,5})$/.exec(broker)?.[1] ?? '')));
const isHost = (text: string): boolean => {
  const [host, port] = /^[\w.-]+(?::(\d{1,5}))?$/.exec(text) ?? [];
  return host !== undefined && (port === undefined || isPort(port));
};
/** What the client takes: maybe a user, one host or more, maybe options. Not a URL, for a URL has one host. */
const EVENT_STORE = /^(?:esdb|kurrentdb)(?:\+discover)?:\/\/(?:[^:@/?]+:[^@/?]+@)?([^@/?]+)\/?(?:\?([^?]+))?$/;
const eventStore = z.string().refine((text) => {
  const [, hosts = '', query] = EVENT_STORE.exec(text) ?? [];
  const options = query?.split('&') ?? [];
  return hosts.split(',').every(isHost) && options.every((option) => /^[^=]+=.+$/.test(option));
});

/** A header is read as it is written: no path, no slash at the end. */
const isOrigin = (text: string): boolean => /^https?:/.test(text) && URL.canParse(text) && new URL(text).origin === text;
const origins = z.string().transform((list) => list.split(',').map((origin) => origin.trim()))
  .refine((list) => list.every(isOrigin));

/** Each variable: how it is read, and what to say where it cannot be. */
const variables = {
  NODE_ENV: [z.enum(['development', 'test', 'production']).default('development'), 'development, test or production'],
  HOST: [z.string().default('127.0.0.1'), 'a host name or address'],
  PORT: [wholeNumber(65_535).default(3000), 'a port, 0 to 65535'],
  DATA_DIR: [z.string().default('.data'), 'a folder'],
  DATABASE_URL: [urlWith('postgres:', 'postgresql:').optional(), 'a postgresql:// URL'],
  EVENTSTOREDB_URL: [eventStore.optional(), 'esdb://host:port or esdb+discover://host:port (kurrentdb for esdb is the same), maybe with options'],
  KAFKA_BROKERS: [brokers.optional(), 'a list of host:port, separated by commas'],
  OIDC_ISSUER: [z.string().optional(), 'the issuer of the tokens, as in their claim iss'],
  OIDC_AUDIENCE: [z.string().optional(), 'the audience of the tokens, as in their claim aud'],
  OIDC_JWKS_URL: [urlWith('https:', 'http:').optional(), 'an http(s):// URL'],
  METRICS_TOKEN: [z.string().regex(/^[\w.~+/=-]{16,}$/).optional(), 'a bearer token of 16 characters or more'],
  CORS_ORIGINS: [origins.default([]), 'a list of origins such as https://app.example, separated by commas'],
  READ_WAIT_MS: [wholeNumber(600_000).default(5000), 'milliseconds, 0 to 600000'],
  DEV_CLOCK: [flag.default(false), '1 or 0'],
  KEY_ENCRYPTION_KEY_FILE: [z.string().optional(), 'a file'],
  LOG_LEVEL: [z.enum(logLevels).default('info'), logLevels.join(', ')],
} as const satisfies Record<string, readonly [z.ZodType, string]>;

type Variable = keyof typeof variables;
type Values = { [V in Variable]: z.output<(typeof variables)[V][0]> };

/** An empty variable counts as unset. @throws ConfigError */
export function loadConfig(env: Readonly<Record<string, string | undefined>>): Config {
  const mistakes: string[] = [];
  const values: Record<string, unknown> = {};
  for (const [name, [schema, meaning]] of Object.entries(variables)) {
    const parsed = schema.safeParse(env[name]?.trim() || undefined);
    if (parsed.success) values[name] = parsed.data;
    else mistakes.push(`${name} must be ${meaning}`);
  }
  // What could not be read has been named already and is not complained about twice.
  const read = values as Partial<Values>;
  const given = (name: Variable) => Boolean(env[name]?.trim());

  const oidcVariables = ['OIDC_ISSUER', 'OIDC_AUDIENCE', 'OIDC_JWKS_URL'] as const;
  const production = read.NODE_ENV === 'production';
  for (const name of oidcVariables) {
    if (given(name)) continue;
    if (production) mistakes.push(`${name} is required in production: the issuer of development is refused`);
    else if (oidcVariables.some(given)) mistakes.push(`${name} is missing: ${oidcVariables.join(', ')} come together`);
  }
  // A name that was mistyped must not become a key of its own.
  const namedKeyFile = read.KEY_ENCRYPTION_KEY_FILE;
  if (production && namedKeyFile !== undefined && !existsSync(namedKeyFile)) {
    mistakes.push('KEY_ENCRYPTION_KEY_FILE names a file that does not exist');
  }
  if (mistakes.length > 0) throw new ConfigError(mistakes);

  const sound = values as Values;
  const { OIDC_ISSUER: issuer, OIDC_AUDIENCE: audience, OIDC_JWKS_URL: jwksUrl } = sound;
  return {
    environment: sound.NODE_ENV,
    host: sound.HOST,
    port: sound.PORT,
    dataDir: sound.DATA_DIR,
    databaseUrl: sound.DATABASE_URL,
    eventStoreDbUrl: sound.EVENTSTOREDB_URL,
    kafkaBrokers: sound.KAFKA_BROKERS,
    oidc: issuer && audience && jwksUrl ? { issuer, audience, jwksUrl } : undefined,
    metricsToken: sound.METRICS_TOKEN,
    corsOrigins: sound.CORS_ORIGINS,
    readWaitMs: sound.READ_WAIT_MS,
    devClock: sound.DEV_CLOCK && !production,
    keyEncryptionKeyFile: namedKeyFile ?? join(sound.DATA_DIR, 'key-encryption-keys.json'),
    warnings: sound.DEV_CLOCK && production ? ['DEV_CLOCK is ignored in production: the time is what it is'] : [],
    logLevel: sound.LOG_LEVEL,
  };
}
