import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { OpaqueText } from './opaque-text.js';

const key = Buffer.alloc(OpaqueText.keyBytes, 'a key of the deployment');
const opaque = new OpaqueText(key);
const texts = fc.string({ unit: 'binary', maxLength: 300 });
const positions = fc.bigInt(0n, 10n ** 20n - 1n).map((order) => `pg00000000.${String(order).padStart(20, '0')}`);

describe('An opaque text', () => {
  it('is opened to what it was', () => fc.assert(fc.property(texts, (text) => {
    expect(opaque.open('position', opaque.seal('position', text))).toBe(text);
  })));

  it('is the same for the same text, in every process that has the key, and another for another text', () =>
    fc.assert(fc.property(texts, texts, (one, other) => {
      const sealed = opaque.seal('position', one);
      expect(new OpaqueText(Buffer.from(key)).seal('position', one)).toBe(sealed);
      expect(opaque.seal('position', other) === sealed).toBe(one === other);
    })));

  it('is refused in another context, by another key, and where any character of it was changed, added or taken away', () =>
    fc.assert(fc.property(texts, fc.nat(), fc.constantFrom(...'AB9_-=+/ \n'), (text, nat, character) => {
      const sealed = opaque.seal('list', text);
      const at = nat % sealed.length;
      expect(opaque.open('position', sealed)).toBeUndefined();
      expect(new OpaqueText(Buffer.alloc(OpaqueText.keyBytes, 'another')).open('list', sealed)).toBeUndefined();
      const changed = sealed.slice(0, at) + character + sealed.slice(at + 1);
      if (changed !== sealed) expect(opaque.open('list', changed)).toBeUndefined();
      expect(opaque.open('list', sealed.slice(0, at) + character + sealed.slice(at))).toBeUndefined();
      expect(opaque.open('list', sealed.slice(0, at) + sealed.slice(at + 1))).toBeUndefined();
    })));

  it('is what nobody else can make', () => fc.assert(fc.property(fc.string({ maxLength: 200 }), (text) => {
    for (const made of [text, Buffer.from(text).toString('base64url')]) expect(opaque.open('position', made)).toBeUndefined();
  })));

  it('is as long as any other', () => fc.assert(fc.property(fc.string({ unit: 'grapheme-ascii', maxLength: 79 }), (text) => {
    expect(opaque.seal('position', text)).toMatch(/^[\w-]{128}$/);
  })));

  it('does not tell which of two came first, nor that they have anything in common', () => {
    const orders = fc.sample(fc.tuple(positions, positions).filter(([one, other]) => one < other), 2_000)
      .map(([one, other]) => [opaque.seal('position', one), opaque.seal('position', other)] as const);
    const risen = orders.filter(([one, other]) => one < other).length;
    // Six standard deviations of a fair coin.
    expect(Math.abs(risen - 1_000)).toBeLessThan(135);
    const shared = orders.map(([one, other]) => [...one].filter((character, index) => character === other[index]).length);
    expect(shared.reduce((sum, count) => sum + count, 0) / orders.length).toBeLessThan(4);
  });
});
