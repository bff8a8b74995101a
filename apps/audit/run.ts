import { Authenticator, DevIssuer, remoteIssuer } from '@peerbridge/identity';
import { DomainError, forbidden } from '@peerbridge/kernel';
import { ConfigError, createLog, EmbeddedPostgresError, loadConfig, type Config, type Logger } from '@peerbridge/platform';
import { rebuildView } from '@peerbridge/projection';
import { openSystem, type System } from '../system.js';
import { asOf } from './as-of.js';
import { UsageError, usageMistake, type AuditCommand } from './command-line.js';
import { replay } from './replay.js';

const CHECK_FAILED = 1;

class Interrupted extends Error {}

/** One command of the auditor's, beside a running system or a stopped one. Returns the exit code. */
export async function runCommand(command: AuditCommand, env: NodeJS.ProcessEnv): Promise<number> {
  // The write that failed says so.
  process.stdout.on('error', () => undefined);
  let log: Logger | undefined;
  try {
    const config = loadConfig({ ...env, LOG_LEVEL: env.LOG_LEVEL ?? 'warn' });
    log = createLog(config.logLevel, process.stderr);
    await requireAuditor(config, env.PEERBRIDGE_TOKEN);
    const system = await openSystem(config, 'audit', { log });
    try {
      return await Promise.race([run(system, command), interruption()]);
    } finally {
      await system.close();
    }
  } catch (error) {
    return failure(error, log);
  }
}

/** The command line takes a token like everybody: there is no side door. @throws DomainError */
async function requireAuditor(config: Config, token: string | undefined): Promise<void> {
  const issuer = config.oidc ? remoteIssuer(config.oidc) : await DevIssuer.open({ ...config, create: false });
  const { caller } = await new Authenticator(issuer).authenticate(`Bearer ${token ?? ''}`);
  if (caller.role !== 'auditor') throw forbidden('Only an auditor may do this.');
}

async function run(system: System, command: AuditCommand): Promise<number> {
  switch (command.name) {
    case 'replay':
      for await (const event of replay(system, command.flags)) await print(event);
      return 0;
    case 'as-of':
      await print(await asOf(system, command.flags));
      return 0;
    case 'rebuild': {
      const { store, database, view, codec, log } = system;
      const result = await rebuildView({
        store, pool: database.patient, view, codec,
        alarm: ({ metadata: { eventId, type } }) =>
          log.error({ eventId, type }, 'An event cannot be applied: its person is stopped'),
      });
      await print(result);
      return result.equal ? 0 : CHECK_FAILED;
    }
  }
}

/** One line. Waits until it is taken: a slow reader slows the reading down, and nothing piles up. */
function print(value: object): Promise<void> {
  return new Promise((resolve, reject) => {
    process.stdout.write(`${JSON.stringify(value)}\n`, (error) => (error ? reject(error) : resolve()));
  });
}

/** A second signal ends the process at once. */
function interruption(): Promise<never> {
  return new Promise((_, reject) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => reject(new Interrupted()));
  });
}

/** What went wrong, for people; of what was not foreseen, no word that might quote a record. */
function failure(error: unknown, log: Logger | undefined): number {
  if (error instanceof UsageError) return usageMistake(error);
  // A reader who has read enough.
  if ((error as { code?: unknown }).code === 'EPIPE') return 0;
  const say = (text: string) => process.stderr.write(`${text}\n`);
  if (error instanceof DomainError) say(`${error.code}: ${error.message}`);
  else if (error instanceof ConfigError || error instanceof EmbeddedPostgresError) say(error.message);
  else if (error instanceof Interrupted) say('Interrupted.');
  else log?.error({ err: error }, 'The command failed');
  return CHECK_FAILED;
}
