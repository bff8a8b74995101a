import { describe, it, expect } from '@jest/globals';
import { h0038Units } from './billing.js';

const lasting = (seconds: number) => ({
  startedAt: '2026-01-15T10:00:00.000Z', endedAt: new Date(Date.parse('2026-01-15T10:00:00.000Z') + seconds * 1000).toISOString(),
});

describe('Units of H0038', () => {
  it.each([
    [0, 0], [7, 0], [8, 1], [22, 1], [23, 2], [37, 2], [38, 3], [52, 3], [53, 4], [120, 8],
  ])('by the 8-minute rule, %d minutes are %d', (minutes, units) => {
    expect(h0038Units(lasting(minutes * 60))).toBe(units);
  });

  it.each([
    [14, 0], [15, 1], [29, 1], [52, 3], [59, 3], [60, 4],
  ])('for a payer of completed units, %d minutes are %d', (minutes, units) => {
    expect(h0038Units(lasting(minutes * 60), 'completed')).toBe(units);
  });

  it('do not count a minute that is not over', () => {
    expect(h0038Units(lasting(8 * 60 - 1))).toBe(0);
  });
});
