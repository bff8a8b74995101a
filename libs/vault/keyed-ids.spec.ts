import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { validate, version } from 'uuid';
import { KeyedIds } from './keyed-ids.js';

const key = Buffer.alloc(KeyedIds.keyBytes, 'a key of the deployment');
const ids = new KeyedIds(key);
const parts = fc.array(fc.oneof(fc.string(), fc.nat()));

describe('A keyed id', () => {
  it('is a UUID, the same of the same in every process that has the key', () => fc.assert(fc.property(parts, (of) => {
    const id = ids.of(...of);
    expect([validate(id), version(id)]).toEqual([true, 8]);
    expect(new KeyedIds(Buffer.from(key)).of(...of)).toBe(id);
  })));

  it('is another of other parts, however they read in a row', () => fc.assert(fc.property(parts, parts, (one, other) => {
    expect(ids.of(...one) === ids.of(...other)).toBe(JSON.stringify(one) === JSON.stringify(other));
    expect(ids.of('a', 'b/c')).not.toBe(ids.of('a/b', 'c'));
  })));

  it('is another by another key', () => fc.assert(fc.property(parts, (of) => {
    expect(new KeyedIds(Buffer.alloc(KeyedIds.keyBytes, 'another')).of(...of)).not.toBe(ids.of(...of));
  })));
});
