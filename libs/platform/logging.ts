import type { LoggerService } from '@nestjs/common';
import { pino, type DestinationStream, type Logger } from 'pino';
import type { LogLevel } from './config.js';

export type { Logger } from 'pino';

/** What may be said of an answered request: never a body, a header, a variable, a token or a query string. */
export interface RequestLine {
  requestId: string;
  method: string;
  /** The route, not the URL that was asked for: whatever the caller typed stays out. */
  path: string;
  status: number;
  durationMs: number;
  role?: string;
}

/**
 * JSON lines. An error is logged by its kind, code and stack frames; its message is not, since a driver's or a parser's
 * message quotes what it choked on.
 */
export function createLog(level: LogLevel, destination?: DestinationStream): Logger {
  return pino({
    level,
    base: undefined,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }) },
    serializers: { err: describeError, req: () => undefined, res: () => undefined },
    hooks: {
      logMethod(args, method) {
        const [first, text] = args as [unknown, unknown];
        const error = errorIn(first);
        if (!error) return method.apply(this, args);
        const context = first instanceof Error ? {} : first as object;
        const says = typeof text === 'string' && text !== '' && !text.includes(error.message) ? text : 'Unexpected error';
        return method.apply(this, [{ ...context, err: error }, says]);
      },
    },
  }, destination ?? pino.destination(1));
}

/** The same log for Nest's own messages. Not nestjs-pino's: that one brings serializers that log an error's message. */
export function nestLogger(log: Logger): LoggerService {
  const at = (level: 'fatal' | 'error' | 'warn' | 'info' | 'debug' | 'trace') => (message: unknown, ...rest: unknown[]): void => {
    const context = rest.at(-1);
    const from = typeof context === 'string' && !isStack(context) ? { context } : {};
    if (message instanceof Error) log[level]({ ...from, err: message });
    else if (rest.some(isStack)) log[level](from, 'Unexpected error');
    else log[level](from, typeof message === 'string' ? message : JSON.stringify(message));
  };
  return { fatal: at('fatal'), error: at('error'), warn: at('warn'), log: at('info'), debug: at('debug'), verbose: at('trace') };
}

/** Beside a stack, the message is an error's. */
const isStack = (value: unknown): boolean => typeof value === 'string' && /\n\s+at /.test(value);

const errorIn = (value: unknown): Error | undefined => {
  if (value instanceof Error) return value;
  const nested = (value as { err?: unknown } | null | undefined)?.err;
  return nested instanceof Error ? nested : undefined;
};

/** All that a log may hold of an error. */
export function describeError(error: unknown): { kind: string; code?: string; frames: string[]; cause?: object } {
  if (!(error instanceof Error)) return { kind: typeof error, frames: [] };
  const code = (error as { code?: unknown }).code;
  return {
    kind: error.name,
    ...(typeof code === 'string' && { code }),
    frames: (error.stack ?? '').split('\n').filter((line) => /^\s+at /.test(line)).map((line) => line.trim()),
    ...(error.cause !== undefined && { cause: describeError(error.cause) }),
  };
}
