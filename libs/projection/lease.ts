import { setTimeout as delay } from 'node:timers/promises';
import type { Client } from 'pg';
import { pause } from './pause.js';

/** How often one who waits for a lease asks for it, and one who holds it makes sure that the session still stands. */
const POLL_MS = 500;
const HEARTBEAT_MS = 2_000;
/** Silence for so long is the end of the session, whatever became of the server. */
const ANSWER_WITHIN_MS = 5_000;

/**
 * Runs the work while this process, alone among all, holds the named lease: an advisory lock on a session of its own.
 * Waits for the lease; when the session is lost, the work's signal aborts and the lease is sought anew. Resolves when the
 * signal aborts or the work is done. A lease keeps two from working steadily, no more: what must never happen twice is
 * fenced by the checkpoint's compare-and-set.
 *
 * @param connect opens a connection that is used for nothing else
 * @throws what the work throws while it holds the lease
 */
export async function withLease(
  connect: () => Promise<Client>, name: string, signal: AbortSignal, work: (signal: AbortSignal) => Promise<void>,
): Promise<void> {
  while (!signal.aborted) {
    const session = await open(connect);
    try {
      if (session && await acquire(session, name, signal)) {
        const held = AbortSignal.any([signal, session.lost]);
        void watch(session, held);
        await work(held).catch((error: unknown) => { if (!session.lost.aborted) throw error; });
        if (!session.lost.aborted) return;
      }
    } finally {
      await session?.close();
    }
    await pause(POLL_MS, signal);
  }
}

class Session {
  private readonly loss = new AbortController();

  constructor(private readonly client: Client) {
    client.on('error', () => this.loss.abort());
    client.on('end', () => this.loss.abort());
  }

  get lost(): AbortSignal {
    return this.loss.signal;
  }

  /** Undefined when there is no answer: the session is lost. */
  async ask(text: string, values: unknown[] = []): Promise<unknown> {
    try {
      const query = { text, values, rowMode: 'array' as const, query_timeout: ANSWER_WITHIN_MS };
      const { rows } = await this.client.query<[unknown]>(query);
      return rows[0]?.[0];
    } catch {
      this.loss.abort();
      return undefined;
    }
  }

  /** The server lets go of the lock with the session. Nobody waits for a goodbye that may never come. */
  async close(): Promise<void> {
    await Promise.race([this.client.end().catch(() => undefined), delay(ANSWER_WITHIN_MS, undefined, { ref: false })]);
  }
}

async function open(connect: () => Promise<Client>): Promise<Session | undefined> {
  try {
    return new Session(await connect());
  } catch {
    return undefined;
  }
}

/** False when the session was lost, or the signal aborted, before the lock was had. */
async function acquire(session: Session, name: string, signal: AbortSignal): Promise<boolean> {
  // Asking again and again, for a session that waits inside the server cannot be told to stop waiting.
  const ended = AbortSignal.any([signal, session.lost]);
  while (!ended.aborted) {
    if (await session.ask('select pg_try_advisory_lock(hashtextextended($1, 0))', [`lease.${name}`]) === true) return true;
    await pause(POLL_MS, ended);
  }
  return false;
}

async function watch(session: Session, held: AbortSignal): Promise<void> {
  while (!held.aborted) {
    await pause(HEARTBEAT_MS, held);
    if (!held.aborted) await session.ask('select true');
  }
}
