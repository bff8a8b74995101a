import { parse, v5, v7, validate } from 'uuid';

/** Namespace of everything this system derives: UUID v5 of this URL. */
const PEERBRIDGE = parse(v5('https://peerbridge.dev/ids', v5.URL));

/** A member of the tenant: UUID v5 (namespace URL) of issuer and subject, so that no token's `sub` is ever stored. */
export const memberIdOf = (issuer: string, subject: string): string => v5(`${issuer}#${subject}`, v5.URL);

/**
 * The id of the `index`-th thing that a command makes. Racing twins of one command derive the same ids and so meet in
 * one stream, where the second finds the first.
 */
export const derivedId = (actorId: string, commandId: string, index: number | string): string =>
  v5(Buffer.from(`${actorId}/${commandId}/${index}`), PEERBRIDGE);

/**
 * The id of a command's `index`-th event. The body is in it: where one commandId is re-used for two bodies at once, stores
 * tell the two apart.
 */
export const eventIdOf = ({ id }: { id: string }, commandId: string, bodyHash: string, index: number): string =>
  derivedId(id, commandId, `event/${index}/${bodyHash}`);

/** A time-ordered random id, for what no command derives (keys, leases, correlation). */
export const randomId = (): string => v7();

export const isUuid = (value: string): boolean => validate(value);
