import { createCipheriv, createDecipheriv, createHmac, timingSafeEqual } from 'node:crypto';

const ALGORITHM = 'aes-256-ctr';
const KEY_BYTES = 32;
const IV_BYTES = 16;
/** Texts are filled up to a multiple of this, so that how long they are does not show. */
const BLOCK_BYTES = 80;
const END_OF_TEXT = 0x80;

/**
 * Short texts as outsiders may hold them: equal texts of one context are equal tokens of 128 characters (base64url), and nothing
 * else of them shows, neither length nor order. Nobody else can make one. As SIV does it (RFC 5297): the keyed hash of the text
 * is the initial vector of its encryption, and is checked when it is opened.
 */
export class OpaqueText {
  /** Bytes of the key. */
  static readonly keyBytes = 2 * KEY_BYTES;
  private readonly hashing: Buffer;
  private readonly encrypting: Buffer;

  /** @param key of `keyBytes` */
  constructor(key: Buffer) {
    this.hashing = key.subarray(0, KEY_BYTES);
    this.encrypting = key.subarray(KEY_BYTES, 2 * KEY_BYTES);
  }

  /** @param context without U+0000; a token opens in the context it was sealed in */
  seal(context: string, text: string): string {
    const filled = fill(Buffer.from(text));
    const iv = this.ivOf(context, filled);
    const cipher = createCipheriv(ALGORITHM, this.encrypting, iv);
    return Buffer.concat([iv, cipher.update(filled), cipher.final()]).toString('base64url');
  }

  /** Undefined for whatever was not sealed here, in this context. */
  open(context: string, token: string): string | undefined {
    const bytes = Buffer.from(token, 'base64url');
    // A decoder overlooks what is no base64url.
    if (bytes.length <= IV_BYTES || bytes.toString('base64url') !== token) return undefined;
    const iv = bytes.subarray(0, IV_BYTES);
    const cipher = createDecipheriv(ALGORITHM, this.encrypting, iv);
    const filled = Buffer.concat([cipher.update(bytes.subarray(IV_BYTES)), cipher.final()]);
    if (!timingSafeEqual(iv, this.ivOf(context, filled))) return undefined;
    return filled.subarray(0, filled.lastIndexOf(END_OF_TEXT)).toString('utf8');
  }

  private ivOf(context: string, filled: Buffer): Buffer {
    return createHmac('sha256', this.hashing).update(`${context}\0`).update(filled).digest().subarray(0, IV_BYTES);
  }
}

function fill(text: Buffer): Buffer {
  const filled = Buffer.alloc(Math.ceil((text.length + 1) / BLOCK_BYTES) * BLOCK_BYTES);
  text.copy(filled);
  filled[text.length] = END_OF_TEXT;
  return filled;
}
