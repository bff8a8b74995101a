export * from './key-encryption-keys.js';
export { seal, unseal, type Ciphertext, type ClearPart, type SealContext, type SealedPart } from './sealing.js';
export * from './keyed-ids.js';
export * from './opaque-text.js';
export * from './vault.js';
export * from './event-codec.js';
