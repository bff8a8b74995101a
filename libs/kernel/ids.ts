import { v5, v7, validate } from 'uuid';

/** A member of the tenant: UUID v5 (namespace URL) of issuer and subject, so that no token's `sub` is ever stored. */
export const memberIdOf = (issuer: string, subject: string): string => v5(`${issuer}#${subject}`, v5.URL);

/** A time-ordered random id, for what no command derives (keys, leases, correlation). */
export const randomId = (): string => v7();

export const isUuid = (value: string): boolean => validate(value);
