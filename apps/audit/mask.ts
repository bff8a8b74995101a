import { SHREDDED, type Shredded } from '@peerbridge/kernel';
import type { EventCodec } from '@peerbridge/vault';

/** What stands in place of a text. */
export const MASKED = '[masked]';

/** The shape of what was sealed, without its content: every text is masked, every other value is null. */
export function mask(value: unknown): unknown {
  if (typeof value === 'string') return MASKED;
  if (Array.isArray(value)) return value.map(mask);
  if (value === null || typeof value !== 'object') return null;
  return Object.fromEntries(Object.entries(value).map(([field, one]) => [field, mask(one)]));
}

/** Opens seals for auditors: they learn which fields there are, and whether they are shredded. */
export const maskedCodec = (codec: Pick<EventCodec, 'open'>): Pick<EventCodec, 'open'> => ({
  async open(parts) {
    const opened = await codec.open(parts);
    return opened.map((fields): Record<string, unknown> | Shredded => (
      fields === SHREDDED ? SHREDDED : mask(fields) as Record<string, unknown>));
  },
});
