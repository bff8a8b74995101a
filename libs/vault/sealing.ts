import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import type { SealedFields, Segment } from '@peerbridge/kernel';

const ALGORITHM = 'aes-256-gcm';
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/** What a ciphertext is bound to: moved to another event, type or segment, it no longer opens. */
export interface SealContext {
  eventId: string;
  type: string;
  schemaVersion: number;
  segment: Segment;
}

/** One segment's sealed fields with all that is needed to open them. */
export interface Ciphertext extends SealContext, SealedFields {}

/** One segment's fields that were written in the open, by an earlier version of an event than the one that seals them. */
export interface ClearPart extends SealContext {
  clear: Readonly<Record<string, unknown>>;
}

/** One segment's protected fields of one event: what the read model keeps, and hands out by `open` alone. */
export type SealedPart = Ciphertext | ClearPart;

const additionalData = (context: SealContext): Buffer =>
  Buffer.from(JSON.stringify([context.eventId, context.type, context.schemaVersion, context.segment]));

/** AES-256-GCM with a random nonce; the tag follows the ciphertext. */
export function seal(keyId: string, key: Buffer, context: SealContext, fields: object): SealedFields {
  const { nonce, ciphertext } = encrypt(key, Buffer.from(JSON.stringify(fields)), additionalData(context));
  return { keyId, nonce: nonce.toString('base64'), ciphertext: ciphertext.toString('base64') };
}

/** @throws Error where key, context or ciphertext do not belong together */
export function unseal(key: Buffer, part: Ciphertext): Record<string, unknown> {
  const clear = decrypt(key, Buffer.from(part.nonce, 'base64'), Buffer.from(part.ciphertext, 'base64'), additionalData(part));
  return JSON.parse(clear.toString('utf8')) as Record<string, unknown>;
}

export function encrypt(key: Buffer, clear: Buffer, aad: Buffer): { nonce: Buffer; ciphertext: Buffer } {
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv(ALGORITHM, key, nonce).setAAD(aad);
  return { nonce, ciphertext: Buffer.concat([cipher.update(clear), cipher.final(), cipher.getAuthTag()]) };
}

export function decrypt(key: Buffer, nonce: Buffer, ciphertext: Buffer, aad: Buffer): Buffer {
  const end = ciphertext.length - TAG_BYTES;
  const decipher = createDecipheriv(ALGORITHM, key, nonce, { authTagLength: TAG_BYTES })
    .setAAD(aad)
    .setAuthTag(ciphertext.subarray(end));
  return Buffer.concat([decipher.update(ciphertext.subarray(0, end)), decipher.final()]);
}
