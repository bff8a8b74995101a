/** Every refusal a caller can meet, in the order in which they are checked (see `docs/app-developers.md`). */
export const errorCodes = [
  'UNAUTHENTICATED', 'BAD_REQUEST', 'LIMIT_EXCEEDED', 'FORBIDDEN_ROLE', 'VALIDATION', 'NOT_FOUND', 'IDEMPOTENCY_MISMATCH',
  'VERSION_CONFLICT', 'INVALID_TRANSITION', 'DUPLICATE_OPEN_REFERRAL', 'CONSENT_REQUIRED', 'NO_REDISCLOSURE',
  'REVOCATION_NOT_YET', 'RATE_LIMITED', 'TIMEOUT', 'UNAVAILABLE', 'INTERNAL',
] as const;
export type ErrorCode = (typeof errorCodes)[number];

export interface ErrorDetails {
  /** VALIDATION: the paths of the fields at fault. */
  fields?: readonly string[];
  /** VERSION_CONFLICT: the version the entity really has; absent where it does not exist. */
  actualVersion?: number;
  /** INVALID_TRANSITION: the state that forbids the step. */
  state?: string;
  /** DUPLICATE_OPEN_REFERRAL: the open one, only where the caller may see it. */
  referralId?: string;
  /** RATE_LIMITED. */
  retryAfterMs?: number;
  /** UNAVAILABLE: the withdrawal is in the log, and not yet shown to be in force. Absent where that is not known. */
  recorded?: true;
}

/** A refusal with a stable code. Its message and details go to the caller as they are: never put protected text in them. */
export class DomainError extends Error {
  constructor(readonly code: ErrorCode, message: string, readonly details: ErrorDetails = {}) {
    super(message);
    this.name = 'DomainError';
  }
}

export const invalid = (message: string, ...fields: string[]): DomainError =>
  new DomainError('VALIDATION', message, { fields });
export const notFound = (what = 'node'): DomainError => new DomainError('NOT_FOUND', `No such ${what}.`);
export const forbidden = (message: string): DomainError => new DomainError('FORBIDDEN_ROLE', message);
export const invalidTransition = (message: string, state: string): DomainError =>
  new DomainError('INVALID_TRANSITION', message, { state });
export const unavailable = (message: string, details?: ErrorDetails): DomainError =>
  new DomainError('UNAVAILABLE', message, details);

/** For `default:` branches: the compiler proves that nothing is left, and running code says so if it was wrong. */
export function never(value: never, what: string): never {
  throw new Error(`Unhandled ${what}: ${JSON.stringify(value)}`);
}
