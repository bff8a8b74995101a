import { createHmac } from 'node:crypto';

/** Ids that are the same whenever they are made of the same, and that nobody computes who has not the key: UUID v8 (RFC 9562). */
export class KeyedIds {
  static readonly keyBytes = 32;

  constructor(private readonly key: Buffer) {}

  of(...parts: readonly (string | number)[]): string {
    const bytes = createHmac('sha256', this.key).update(JSON.stringify(parts)).digest().subarray(0, 16);
    bytes[6] = (bytes[6]! & 0x0f) | 0x80;
    bytes[8] = (bytes[8]! & 0x3f) | 0x80;
    return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
  }
}
