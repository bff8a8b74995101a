import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { ReadBudget, ReadBudgets, readLimits } from './read-budget.js';

const refused = (code: string) => expect.objectContaining({ code });

describe('What a request may read', () => {
  beforeEach(() => { jest.useFakeTimers(); });
  afterEach(() => { jest.useRealTimers(); });

  it('is so many statements', () => {
    const budget = new ReadBudget();
    for (let sent = 0; sent < readLimits.statements; sent += 1) budget.sends();
    expect(() => budget.sends()).toThrow(refused('LIMIT_EXCEEDED'));
  });

  it('is so many values, and nothing once that is spent', () => {
    const budget = new ReadBudget();
    budget.holds(readLimits.values);
    expect(() => budget.holds(1)).toThrow(refused('LIMIT_EXCEEDED'));
    expect(() => budget.sends()).toThrow(refused('LIMIT_EXCEEDED'));
  });

  it('is what it reads in so long a time; the next delivery of a subscription has as much again', () => {
    const budget = new ReadBudget();
    jest.advanceTimersByTime(readLimits.ms);
    budget.sends();
    jest.advanceTimersByTime(1);
    expect(() => budget.sends()).toThrow(refused('LIMIT_EXCEEDED'));
    budget.renew();
    budget.sends();
  });

  it('is what the others leave of what a process can hold, each of which gives back what it held', async () => {
    const budgets = new ReadBudgets(10);
    let end = (): void => undefined;
    const first = budgets.hold(async (budget) => {
      budget.holds(8);
      await new Promise<void>((resolve) => { end = resolve; });
    });
    const another = () => budgets.hold((budget) => budget.holds(3));
    await expect(another()).rejects.toMatchObject({ code: 'RATE_LIMITED', details: { retryAfterMs: expect.any(Number) } });
    await expect(budgets.hold((budget) => budget.holds(2))).resolves.toBeUndefined();
    end();
    await first;
    await expect(another()).resolves.toBeUndefined();
  });
});
