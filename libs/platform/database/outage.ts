import pg from 'pg';

/** SQLSTATE classes: connection, resources, an operator's shutdown, the system below. */
const STATES = /^(08|53|57P|58)/;
const SYSTEM_CODES = new Set([
  'ECONNREFUSED', 'ECONNRESET', 'ETIMEDOUT', 'EPIPE', 'EHOSTUNREACH', 'ENETUNREACH', 'ENOTFOUND', 'EAI_AGAIN',
]);
/** How the messages begin of what the driver has no codes for. */
const DRIVER_MESSAGES = [
  'Connection terminated', 'Query read timeout', 'timeout expired',
  'Client has encountered a connection error', 'Client was closed',
];

/** Whether PostgreSQL could not be reached, or could not answer: the statement itself is not at fault, and may be repeated. */
export function isDatabaseOutage(error: unknown): boolean {
  if (error instanceof pg.DatabaseError) return STATES.test(error.code ?? '');
  if (!(error instanceof Error)) return false;
  const { code } = error as NodeJS.ErrnoException;
  return (code !== undefined && SYSTEM_CODES.has(code)) || DRIVER_MESSAGES.some((begin) => error.message.startsWith(begin));
}

/** Whether all connections of a pool were taken for too long: the database may be well, and this process has too much to do. */
export const isPoolFull = (error: unknown): boolean =>
  error instanceof Error && error.message.startsWith('timeout exceeded when trying to connect');
