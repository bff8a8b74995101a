/**
 * Whether a process of the system works; exit 1 where it does not. What a container's health check runs:
 * `node scripts/healthcheck.mjs api|projector|relay`.
 *
 * The API is asked. The projector and the relay serve nothing: one of each works while it holds its lease, and others
 * stand by; a lease that can be had at once is held by none.
 */
import pg from 'pg';

const [kind] = process.argv.slice(2);
const ANSWER_WITHIN_MS = 4_000;

async function apiAnswers() {
  const url = `http://127.0.0.1:${process.env.PORT || 3000}/health/live`;
  return (await fetch(url, { signal: AbortSignal.timeout(ANSWER_WITHIN_MS) })).ok;
}

async function leaseIsHeld(name) {
  const client = new pg.Client({
    connectionString: process.env.DATABASE_URL, application_name: 'peerbridge-healthcheck',
    connectionTimeoutMillis: ANSWER_WITHIN_MS, query_timeout: ANSWER_WITHIN_MS,
  });
  await client.connect();
  try {
    const ask = 'select pg_try_advisory_xact_lock(hashtextextended($1, 0)) as free';
    return !(await client.query(ask, [`lease.${name}`])).rows[0].free;
  } finally {
    await client.end();
  }
}

const healthy = { api: apiAnswers, projector: () => leaseIsHeld('projector'), relay: () => leaseIsHeld('relay') }[kind];
if (!healthy) throw new Error('Name one of: api, projector, relay');
try {
  process.exitCode = await healthy() ? 0 : 1;
} catch (error) {
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
}
