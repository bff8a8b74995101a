import { describe, it, expect } from '@jest/globals';
import fc from 'fast-check';
import { needCategories, sharedFields } from './events.js';
import { fieldsThatLeave, minimumSet } from './shared.js';

describe('What leaves with a referral', () => {
  it.each([
    ['housing', ['preferredName', 'contact', 'householdSize', 'accessibility', 'livingSituation', 'reason']],
    ['employment', ['reason']],
    ['education', ['reason']],
    ['health', ['preferredName', 'contact', 'accessibility', 'reason']],
    ['food', ['preferredName', 'contact', 'householdSize', 'accessibility', 'reason']],
    ['legal', ['preferredName', 'contact', 'householdSize', 'accessibility', 'reason']],
  ] as const)('for %s is at most %j, though everything was chosen', (need, atMost) => {
    expect(fieldsThatLeave(need, sharedFields)).toEqual(atMost);
  });

  it('is nothing where nothing was chosen', () => {
    for (const need of needCategories) expect(fieldsThatLeave(need, [])).toEqual([]);
  });

  it('is what was chosen and belongs to the minimum set, each once', () => {
    fc.assert(fc.property(fc.constantFrom(...needCategories), fc.array(fc.constantFrom(...sharedFields)), (need, chosen) => {
      const leaving = fieldsThatLeave(need, chosen);
      expect(new Set(leaving).size).toBe(leaving.length);
      for (const field of sharedFields) {
        expect(leaving.includes(field)).toBe(chosen.includes(field) && minimumSet[need].includes(field));
      }
    }));
  });
});
