import { loadConfig, ConfigError, type Config } from '@peerbridge/platform';

/** A part of the system that runs until it is told to stop. */
export interface Running {
  stop(): Promise<void>;
}

/** Beyond this a stop is no longer waited for. Milliseconds. */
const STOP_WITHIN_MS = 15_000;

/**
 * Runs a process from its configuration to SIGTERM or SIGINT: exit 0 after a clean stop, 1 where it could not start,
 * with each reason on a line of its own on stderr.
 */
export async function runProcess(start: (config: Config) => Promise<Running>): Promise<void> {
  let running: Promise<Running> | undefined;
  let stopping = false;
  const stop = () => {
    if (stopping) return;
    stopping = true;
    setTimeout(() => process.exit(1), STOP_WITHIN_MS).unref();
    void (running ?? Promise.resolve(undefined)).catch(() => undefined).then((one) => one?.stop()).then(
      () => process.exit(0),
      (error: unknown) => fail(error),
    );
  };
  process.on('SIGTERM', stop).on('SIGINT', stop);
  try {
    running = start(loadConfig(process.env));
    await running;
  } catch (error) {
    if (!stopping) fail(error);
  }
}

function fail(error: unknown): never {
  const reason = error instanceof Error ? error.message || error.name : String(error);
  const reasons = error instanceof ConfigError ? error.mistakes : [reason];
  for (const reason of reasons) process.stderr.write(`peerbridge: ${reason}\n`);
  process.exit(1);
}
