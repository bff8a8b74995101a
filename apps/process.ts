import { setTimeout as delay } from 'node:timers/promises';
import { loadConfig, ConfigError, type Config, type Logger } from '@peerbridge/platform';

/** A part of the system that runs until it is told to stop. */
export interface Running {
  stop(): Promise<void>;
  /** Rejects where it ends though nobody has told it to. */
  failed?: Promise<never>;
}

/** Beyond this a stop is no longer waited for. Milliseconds. */
const STOP_WITHIN_MS = 15_000;
/** What waits for a server that may be silent is given up sooner, so that the rest can still be stopped. */
const PART_STOPS_WITHIN_MS = 3_000;

const FOR_EVER = new Promise<never>(() => undefined);

/**
 * Runs a process from its configuration to SIGTERM or SIGINT: exit 0 after a clean stop, also during a slow start; 1 where
 * it could not start, with each reason on a line of its own on stderr, or where a part of it fails for good.
 *
 * @param start gives up when the signal aborts, and leaves nothing running then
 */
export async function runProcess(start: (config: Config, signal: AbortSignal) => Promise<Running>): Promise<void> {
  const told = new AbortController();
  const boundStop = () => setTimeout(() => process.exit(1), STOP_WITHIN_MS);
  // Until it is told to stop, also where nothing is open: a relay that is off.
  setInterval(() => undefined, 2 ** 30);
  const stop = () => {
    if (told.signal.aborted) return;
    boundStop();
    told.abort();
  };
  // In place of what a signal did while the process was prepared.
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.removeAllListeners(signal).on(signal, stop);
  let running: Running;
  try {
    running = await start(loadConfig(process.env), told.signal);
  } catch (error) {
    if (!told.signal.aborted) fail(error);
    process.exit(0);
  }
  const end: unknown = await Promise.race([aborted(told.signal), running.failed ?? FOR_EVER]).catch((error: unknown) => error);
  const failed = !told.signal.aborted;
  if (failed) boundStop();
  await running.stop().catch(fail);
  if (failed) fail(end);
  process.exit(0);
}

/** Rejects when the signal aborts. */
export function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const stop = () => reject(new Error('Stopped'));
    if (signal.aborted) stop();
    else signal.addEventListener('abort', stop, { once: true });
  });
}

/** The work's result, or an error as soon as the signal aborts; what the work comes to then is nobody's concern. */
export function unlessAborted<T>(signal: AbortSignal | undefined, work: Promise<T>): Promise<T> {
  if (!signal) return work;
  work.catch(() => undefined);
  return Promise.race([work, aborted(signal)]);
}

/** Waits for a part to end, in whatever way, but not for long. */
export async function stopped(end: Promise<unknown>): Promise<void> {
  await Promise.race([end.catch(() => undefined), delay(PART_STOPS_WITHIN_MS, undefined, { ref: false })]);
}

/** Rejects when the work of a part does, which is logged; a part that has nothing to do, or was told to stop, has not failed. */
export function failureOf(part: string, work: Promise<void>, log: Logger): Promise<never> {
  const failed = work.then(() => FOR_EVER, (error: unknown) => {
    log.fatal({ err: error }, `${part} failed`);
    throw new Error(`${part} failed: its log says where`);
  });
  // Whoever runs the process listens; a test may not.
  failed.catch(() => undefined);
  return failed;
}

function fail(error: unknown): never {
  const reason = error instanceof Error ? error.message || error.name : String(error);
  const reasons = error instanceof ConfigError ? error.mistakes : [reason];
  for (const reason of reasons) process.stderr.write(`peerbridge: ${reason}\n`);
  process.exit(1);
}
