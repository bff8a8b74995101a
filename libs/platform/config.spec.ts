import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { ConfigError, loadConfig } from './config.js';

function mistakesOf(env: Record<string, string>): readonly string[] {
  try {
    loadConfig(env);
    return [];
  } catch (error) {
    if (error instanceof ConfigError) return error.mistakes;
    throw error;
  }
}

const productionEnv = {
  NODE_ENV: 'production',
  OIDC_ISSUER: 'https://id.example', OIDC_AUDIENCE: 'peerbridge', OIDC_JWKS_URL: 'https://id.example/jwks',
};

function aKeyFile(): string {
  const file = join(mkdtempSync(join(tmpdir(), 'peerbridge-config-')), 'keys.json');
  writeFileSync(file, '{}');
  return file;
}

describe('Configuration', () => {
  it('needs nothing to start developing', () => {
    expect(loadConfig({})).toEqual({
      environment: 'development', host: '127.0.0.1', port: 3000, dataDir: '.data', readWaitMs: 5000, devClock: false,
      corsOrigins: [],
      keyEncryptionKeyFile: join('.data', 'key-encryption-keys.json'), warnings: [], logLevel: 'info',
    });
  });

  it('reads every variable', () => {
    const env = {
      ...productionEnv, DATABASE_URL: 'postgresql://db/peerbridge', KEY_ENCRYPTION_KEY_FILE: aKeyFile(), HOST: '0.0.0.0',
      PORT: '8080', KAFKA_BROKERS: 'a:9092, b:9092', READ_WAIT_MS: '100', LOG_LEVEL: 'warn', DATA_DIR: '/var/lib/peerbridge',
      METRICS_TOKEN: 'a-token-for-metrics', CORS_ORIGINS: 'https://app.example, http://localhost:5173',
      EVENTSTOREDB_URL: 'kurrentdb+discover://admin:s3cret@a:2113,b:2113?tls=false&nodePreference=leader',
    };
    expect(loadConfig(env)).toMatchObject({
      environment: 'production', host: '0.0.0.0', port: 8080, kafkaBrokers: ['a:9092', 'b:9092'], readWaitMs: 100,
      metricsToken: 'a-token-for-metrics', corsOrigins: ['https://app.example', 'http://localhost:5173'],
      eventStoreDbUrl: env.EVENTSTOREDB_URL, logLevel: 'warn', dataDir: '/var/lib/peerbridge',
      oidc: { issuer: 'https://id.example', audience: 'peerbridge', jwksUrl: 'https://id.example/jwks' },
      databaseUrl: 'postgresql://db/peerbridge', keyEncryptionKeyFile: env.KEY_ENCRYPTION_KEY_FILE,
    });
  });

  it('takes an empty variable for an unset one', () => {
    expect(loadConfig({ PORT: '', DATABASE_URL: ' ' })).toMatchObject({ port: 3000, databaseUrl: undefined });
  });

  it('names all mistakes at once, and no value of them', () => {
    const mistakes = mistakesOf({
      NODE_ENV: 'staging', PORT: '99999', DATABASE_URL: 'mysql://root:hunter2@db', KAFKA_BROKERS: 'broker', READ_WAIT_MS: 'soon',
      METRICS_TOKEN: 'short', CORS_ORIGINS: 'https://app.example/',
      DEV_CLOCK: 'yes', LOG_LEVEL: 'loud', EVENTSTOREDB_URL: 'http://x', OIDC_JWKS_URL: 'jwks',
    }).join('\n');
    for (const name of ['NODE_ENV', 'PORT', 'DATABASE_URL', 'KAFKA_BROKERS', 'READ_WAIT_MS',
      'METRICS_TOKEN', 'CORS_ORIGINS', 'DEV_CLOCK', 'LOG_LEVEL',
      'EVENTSTOREDB_URL', 'OIDC_JWKS_URL', 'OIDC_ISSUER', 'OIDC_AUDIENCE']) expect(mistakes).toContain(name);
    expect(mistakes).not.toContain('hunter2');
  });

  it('takes an outside issuer whole or not at all', () => {
    expect(mistakesOf({ OIDC_ISSUER: 'https://id.example', OIDC_AUDIENCE: 'peerbridge' })).toEqual([
      'OIDC_JWKS_URL is missing: OIDC_ISSUER, OIDC_AUDIENCE, OIDC_JWKS_URL come together',
    ]);
  });

  it.each([
    'http://events:2113', 'kurrent://events:2113', 'esdb://', 'esdb://events:99999', 'esdb://events:x', 'esdb://events?tls',
    'esdb://a:1:2', 'esdb://user@events',
  ])('knows that the client of the event store does not take %s', (EVENTSTOREDB_URL) => {
    expect(mistakesOf({ EVENTSTOREDB_URL })).toEqual([
      'EVENTSTOREDB_URL must be esdb://host:port or esdb+discover://host:port (kurrentdb for esdb is the same), maybe with '
      + 'options']);
  });

  it.each(['broker', 'broker:0', 'broker:65536', 'a:9092,', 'kafka://a:9092'])('takes no broker at %s', (KAFKA_BROKERS) => {
    expect(mistakesOf({ KAFKA_BROKERS })).toEqual(['KAFKA_BROKERS must be a list of host:port, separated by commas']);
  });

  it('needs an outside issuer in production, and nothing else', () => {
    expect(mistakesOf({ NODE_ENV: 'production' }).map((mistake) => mistake.split(' ')[0]))
      .toEqual(['OIDC_ISSUER', 'OIDC_AUDIENCE', 'OIDC_JWKS_URL']);
    expect(loadConfig(productionEnv)).toMatchObject({
      environment: 'production', databaseUrl: undefined, keyEncryptionKeyFile: join('.data', 'key-encryption-keys.json'),
    });
  });

  it('makes no key in production under a name that may be mistyped', () => {
    expect(mistakesOf({ ...productionEnv, KEY_ENCRYPTION_KEY_FILE: '/nowhere/keys.json' })).toEqual([
      'KEY_ENCRYPTION_KEY_FILE names a file that does not exist',
    ]);
    expect(mistakesOf({ ...productionEnv, KEY_ENCRYPTION_KEY_FILE: aKeyFile() })).toEqual([]);
  });

  it('sets no clock in production, and says that it was asked to', () => {
    expect(loadConfig({ ...productionEnv, DEV_CLOCK: '1' })).toMatchObject({
      devClock: false, warnings: [expect.stringContaining('DEV_CLOCK')],
    });
  });
});
