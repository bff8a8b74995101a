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

function productionEnv(): Record<string, string> {
  const keyFile = join(mkdtempSync(join(tmpdir(), 'peerbridge-config-')), 'keys.json');
  writeFileSync(keyFile, '{}');
  return {
    NODE_ENV: 'production', DATABASE_URL: 'postgresql://db/peerbridge', KEY_ENCRYPTION_KEY_FILE: keyFile,
    OIDC_ISSUER: 'https://id.example', OIDC_AUDIENCE: 'peerbridge', OIDC_JWKS_URL: 'https://id.example/jwks',
  };
}

describe('Configuration', () => {
  it('needs nothing to start developing', () => {
    expect(loadConfig({})).toEqual({
      environment: 'development', host: '127.0.0.1', port: 3000, dataDir: '.data', readWaitMs: 5000, devClock: false,
      keyEncryptionKeyFile: join('.data', 'key-encryption-keys.json'), logLevel: 'info',
    });
  });

  it('reads every variable', () => {
    const env = { ...productionEnv(), HOST: '0.0.0.0', PORT: '8080', KAFKA_BROKERS: 'a:9092, b:9092', READ_WAIT_MS: '100',
      EVENTSTOREDB_URL: 'esdb://events:2113?tls=false', LOG_LEVEL: 'warn', DATA_DIR: '/var/lib/peerbridge' };
    expect(loadConfig(env)).toMatchObject({
      environment: 'production', host: '0.0.0.0', port: 8080, kafkaBrokers: ['a:9092', 'b:9092'], readWaitMs: 100,
      eventStoreDbUrl: env.EVENTSTOREDB_URL, logLevel: 'warn', dataDir: '/var/lib/peerbridge',
      oidc: { issuer: 'https://id.example', audience: 'peerbridge', jwksUrl: 'https://id.example/jwks' },
      databaseUrl: 'postgresql://db/peerbridge',
    });
  });

  it('takes an empty variable for an unset one', () => {
    expect(loadConfig({ PORT: '', DATABASE_URL: ' ' })).toMatchObject({ port: 3000, databaseUrl: undefined });
  });

  it('names all mistakes at once, and no value of them', () => {
    const mistakes = mistakesOf({
      NODE_ENV: 'staging', PORT: '99999', DATABASE_URL: 'mysql://root:hunter2@db', KAFKA_BROKERS: 'broker', READ_WAIT_MS: 'soon',
      DEV_CLOCK: 'yes', LOG_LEVEL: 'loud', EVENTSTOREDB_URL: 'http://x', OIDC_JWKS_URL: 'jwks',
    }).join('\n');
    for (const name of ['NODE_ENV', 'PORT', 'DATABASE_URL', 'KAFKA_BROKERS', 'READ_WAIT_MS', 'DEV_CLOCK', 'LOG_LEVEL',
      'EVENTSTOREDB_URL', 'OIDC_JWKS_URL', 'OIDC_ISSUER', 'OIDC_AUDIENCE']) expect(mistakes).toContain(name);
    expect(mistakes).not.toContain('hunter2');
  });

  it('takes an outside issuer whole or not at all', () => {
    expect(mistakesOf({ OIDC_ISSUER: 'https://id.example', OIDC_AUDIENCE: 'peerbridge' })).toEqual([
      'OIDC_JWKS_URL is missing: OIDC_ISSUER, OIDC_AUDIENCE, OIDC_JWKS_URL come together',
    ]);
  });

  it('refuses in production whatever is for development', () => {
    const named = mistakesOf({ NODE_ENV: 'production', DEV_CLOCK: '1' }).map((mistake) => mistake.split(' ')[0]);
    expect(named).toEqual([
      'OIDC_ISSUER', 'OIDC_AUDIENCE', 'OIDC_JWKS_URL', 'DATABASE_URL', 'DEV_CLOCK', 'KEY_ENCRYPTION_KEY_FILE',
    ]);
    expect(mistakesOf({ ...productionEnv(), KEY_ENCRYPTION_KEY_FILE: '/nowhere/keys.json' })).toEqual([
      'KEY_ENCRYPTION_KEY_FILE names a file that does not exist',
    ]);
    expect(mistakesOf(productionEnv())).toEqual([]);
  });
});
