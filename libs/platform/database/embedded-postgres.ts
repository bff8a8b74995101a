import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, open, readFile, stat } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { EmbeddedPostgresError, PostgresBinaries } from './postgres-binaries.js';
import { isAlive, PostgresFolder, SUPERUSER, type Postmaster } from './postgres-folder.js';

export interface EmbeddedPostgres {
  url: string;
  /** Leaves the server; the last process to leave stops it. */
  close(): Promise<void>;
}

export interface EmbeddedPostgresOptions {
  /** PostgreSQL's own folder is `postgres` in it. */
  dataDir: string;
  /** Whether to stop the server when leaving it last; default true. */
  stopWhenLast?: boolean;
  log?: (message: string) => void;
}

/** Recovery after a crash may take its time; longer than this, something is wrong. */
const START_TIMEOUT_MS = 120_000;
const STOP_TIMEOUT_MS = 60_000;
const POLL_MS = 25;
/** Failures to start that go away: a port just taken, another starter, children of a killed postmaster. */
const PASSING = /Address already in use|lock file "postmaster.pid" (already exists|is empty)|shared memory block .* still in use/;
const REJOIN_MS = 200;

/** Whoever uses the server holds this lock shared; whoever can have it alone is the last, and may stop the server. */
const IN_USE = "hashtextextended('peerbridge.embedded-postgres', 0)";

const SETTINGS: Record<string, string> = {
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  max_connections: '100',
  shared_buffers: '128MB',
  fsync: 'on',
  synchronous_commit: 'on',
  jit: 'off',
  timezone: 'UTC',
  log_timezone: 'UTC',
  // The server's own log, but no statement and no error of one: those quote values.
  log_min_messages: 'log',
  log_min_error_statement: 'panic',
  log_statement: 'none',
  log_checkpoints: 'off',
};

/**
 * The PostgreSQL that comes with the product, one server per folder: started where none runs, attached to where one does,
 * be it another process's or left behind by one that was killed. A server that dies meanwhile is started again.
 * @throws EmbeddedPostgresError
 */
export async function openEmbeddedPostgres(options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
  const { dataDir, stopWhenLast = true, log = () => {} } = options;
  await makeDataDir(dataDir);
  const binaries = await PostgresBinaries.find(dataDir);
  const folder = await PostgresFolder.open(dataDir, binaries);
  return Membership.join(new Server(folder, binaries, log), stopWhenLast, log);
}

async function makeDataDir(dataDir: string): Promise<void> {
  try {
    await mkdir(dataDir, { recursive: true });
    if (!(await stat(dataDir)).isDirectory()) throw Object.assign(new Error('Not a folder'), { code: 'ENOTDIR' });
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    throw new EmbeddedPostgresError(`${dataDir} cannot be used as a folder (${code}): set DATA_DIR to another one`, { cause });
  }
}

/** The server of a folder, whoever has started it. */
class Server {
  constructor(
    private readonly folder: PostgresFolder,
    private readonly binaries: PostgresBinaries,
    private readonly log: (message: string) => void,
  ) {}

  /** Says all that the driver would else take from variables such as PGSSLMODE, which are meant for another server. */
  url(port: number): string {
    const plain = 'sslmode=disable&sslnegotiation=postgres';
    return `postgresql://${SUPERUSER}:${this.folder.password}@127.0.0.1:${port}/postgres?${plain}`;
  }

  async running(): Promise<Postmaster | undefined> {
    const recorded = await this.folder.recordedPostmaster();
    return recorded && await this.folder.isServedBy(recorded.pid) ? recorded : undefined;
  }

  /** Starts the server unless it runs, and returns it once it is ready. @param port to start it at; undefined: any free one */
  async ensureReady(port?: number): Promise<Postmaster> {
    for (const deadline = Date.now() + START_TIMEOUT_MS; Date.now() < deadline; await delay(POLL_MS)) {
      const postmaster = await this.running();
      if (postmaster?.status === 'ready') return postmaster;
      if (!postmaster) await this.start(port ?? await freePort(), deadline);
    }
    throw new EmbeddedPostgresError(`PostgreSQL in ${this.folder.path} does not become ready: see ${this.folder.log}`);
  }

  /** Returns when the server is ready, or when it ended for a reason that goes away by itself, or at the deadline. */
  private async start(port: number, deadline: number): Promise<void> {
    const stale = await this.folder.recordedPostmaster();
    const logged = await stat(this.folder.log).then(({ size }) => size, () => 0);
    const output = await open(this.folder.log, 'a', 0o600);
    let postmaster: ChildProcess;
    let ended: Promise<{ error: Error | undefined }>;
    try {
      const settings = Object.entries(SETTINGS).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
      const args = ['-D', this.folder.path, '-p', String(port), ...settings];
      postmaster = await this.binaries.spawn('postgres', args, this.folder.path, {
        // A session of its own: neither the terminal's Ctrl-C nor our death reaches it.
        detached: true,
        stdio: ['ignore', output.fd, output.fd],
        // PostgreSQL takes a recorded pid that lives for a postmaster, but for this one. We know that it is something else.
        env: stale ? { PG_GRANDPARENT_PID: String(stale.pid) } : {},
      });
      // At once: it may end sooner than the log is closed.
      ended = once(postmaster, 'exit').then(() => ({ error: undefined }), (error: Error) => ({ error }));
    } finally {
      await output.close();
    }
    postmaster.unref();
    while (Date.now() < deadline) {
      const outcome = await Promise.race([ended, delay(POLL_MS)]);
      if (outcome) return this.judgeFailure(logged, outcome.error);
      const running = await this.running();
      if (running?.pid === postmaster.pid && running?.status === 'ready') {
        this.log(`PostgreSQL started in ${this.folder.path}, port ${port}`);
        return;
      }
    }
  }

  private async judgeFailure(logged: number, error: Error | undefined): Promise<void> {
    const written = (await readFile(this.folder.log)).subarray(logged).toString('utf8');
    if (!error && (PASSING.test(written) || await this.running())) return delay(POLL_MS);
    const reason = error?.message ?? /^.*(?:FATAL|PANIC): *(.*)$/m.exec(written)?.[1] ?? written.trim().split('\n').at(-1);
    throw new EmbeddedPostgresError(
      `PostgreSQL does not start in ${this.folder.path} (${reason || 'without a word'}): see ${this.folder.log}; `
      + 'if the folder is damaged, restore it from a backup, or move it away to begin with an empty database',
      { cause: error },
    );
  }

  /** Disconnects everybody, writes a checkpoint and ends: PostgreSQL's fast shutdown. */
  async stop({ pid }: Postmaster): Promise<void> {
    process.kill(pid, 'SIGINT');
    for (const deadline = Date.now() + STOP_TIMEOUT_MS; Date.now() < deadline; await delay(POLL_MS)) {
      if (!isAlive(pid) || !await this.folder.isServedBy(pid)) {
        this.log(`PostgreSQL stopped in ${this.folder.path}`);
        return;
      }
    }
    throw new EmbeddedPostgresError(`PostgreSQL in ${this.folder.path} (process ${pid}) does not stop: see ${this.folder.log}`);
  }
}

/** This process's share in the server: a connection that holds the lock, taken again whenever it breaks. */
class Membership implements EmbeddedPostgres {
  private readonly closing = new AbortController();
  private client: pg.Client | undefined;
  private rejoining: Promise<void> | undefined;

  private constructor(
    private readonly server: Server,
    private readonly port: number,
    private readonly stopWhenLast: boolean,
    private readonly log: (message: string) => void,
  ) {}

  static async join(server: Server, stopWhenLast: boolean, log: (message: string) => void): Promise<Membership> {
    for (const deadline = Date.now() + START_TIMEOUT_MS; ; await delay(POLL_MS)) {
      const { port } = await server.ensureReady();
      const membership = new Membership(server, port, stopWhenLast, log);
      try {
        await membership.hold();
        return membership;
      } catch (error) {
        // The last one before us was just stopping it.
        if (isRefusal(error) || Date.now() > deadline) throw error;
      }
    }
  }

  get url(): string {
    return this.server.url(this.port);
  }

  async close(): Promise<void> {
    if (this.closing.signal.aborted) return;
    this.closing.abort();
    await this.rejoining;
    const { client } = this;
    if (!client) return;
    try {
      if (!this.stopWhenLast) return;
      await client.query(`select pg_advisory_unlock_shared(${IN_USE})`);
      const { rows } = await client.query<{ last: boolean }>(`select pg_try_advisory_lock(${IN_USE}) as last`);
      const postmaster = await this.server.running();
      if (rows[0]?.last && postmaster) await this.server.stop(postmaster);
    } catch (error) {
      if (error instanceof EmbeddedPostgresError) throw error;
      this.log(`Left PostgreSQL without a good-bye: ${String(error)}`);
    } finally {
      await client.end().catch(() => undefined);
    }
  }

  private async hold(): Promise<void> {
    const client = new pg.Client({ connectionString: this.url, application_name: 'peerbridge in-use lock', keepAlive: true });
    client.on('error', () => undefined);
    try {
      await client.connect();
      await client.query(`select pg_advisory_lock_shared(${IN_USE})`);
    } catch (error) {
      await client.end().catch(() => undefined);
      throw error;
    }
    this.client = client;
    client.once('end', () => this.lost());
  }

  private lost(): void {
    this.client = undefined;
    if (this.closing.signal.aborted) return;
    this.log('PostgreSQL has gone away');
    this.rejoining = this.rejoin().finally(() => { this.rejoining = undefined; });
  }

  /** At the same port, which is in the URL that was handed out. */
  private async rejoin(): Promise<void> {
    while (!this.closing.signal.aborted && !this.client) {
      try {
        const { port } = await this.server.ensureReady(this.port);
        if (port !== this.port) throw new EmbeddedPostgresError(`PostgreSQL has moved to port ${port}: restart this process`);
        await this.hold();
        this.log('PostgreSQL is back');
      } catch (error) {
        this.log(`PostgreSQL is not back yet: ${String(error)}`);
        await delay(REJOIN_MS, undefined, { signal: this.closing.signal }).catch(() => undefined);
      }
    }
  }
}

/** Whether the server answered and will not answer otherwise: a wrong password, say. */
function isRefusal(error: unknown): boolean {
  return error instanceof pg.DatabaseError && !/^(08|53|57)/.test(error.code ?? '');
}

/** A port of loopback that nobody listens on now. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
