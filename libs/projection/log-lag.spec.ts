import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { COUNTED_LAG, LogLag } from './log-lag.js';

const BOUND_MS = 30_000;
const at = (order: number): string => `test.${String(order).padStart(6, '0')}`;

describe('The lag behind the log', () => {
  let written: number;
  let reached: number;
  /** Of which its events bear the name. */
  let log: string;
  let lag: LogLag;

  beforeEach(() => {
    jest.useFakeTimers();
    written = 0;
    reached = 0;
    log = 'first';
    lag = new LogLag({
      head: async () => (written === 0 ? undefined : at(written)),
      countAfter: async (position = at(0), atMost = Infinity) => Math.min(written - Number(position.slice(5)), atMost),
      eventIdAt: async (position) => (Number(position.slice(5)) <= written ? `${log}.${position}` : undefined),
    }, async () => (reached === 0 ? undefined : { position: at(reached), eventId: `first.${at(reached)}` }), BOUND_MS);
  });
  afterEach(() => { jest.useRealTimers(); });

  /** A second later, with so much more in the log and so much more reached. */
  async function later(more: { written?: number; reached?: number } = {}): Promise<void> {
    jest.advanceTimersByTime(1_000);
    written += more.written ?? 0;
    reached += more.reached ?? 0;
    await lag.look();
  }

  it('is nothing at a fresh start with an empty log, however long it lasts', async () => {
    for (let second = 0; second < 40; second += 1) await later();
    expect([lag.events, lag.isPastBound, lag.standsStill]).toEqual([0, false, false]);
    await later({ written: 5 });
    expect([lag.events, lag.isPastBound, lag.standsStill]).toEqual([5, false, false]);
    await later({ reached: 5 });
    expect([lag.events, lag.isPastBound, lag.standsStill]).toEqual([0, false, false]);
  });

  it('is counted while one moves, up to a limit', async () => {
    await later({ written: 10, reached: 1 });
    await later({ written: 10, reached: 1 });
    expect(lag.events).toBe(18);
    await later({ written: 2 * COUNTED_LAG });
    expect(lag.events).toBe(COUNTED_LAG);
  });

  it('is past its bound until somebody has seen it level', async () => {
    expect(lag.isPastBound).toBe(true);
    await later({ written: 5 });
    expect(lag.isPastBound).toBe(true);
    await later({ reached: 4 });
    expect(lag.isPastBound).toBe(true);
    await later({ reached: 1 });
    expect(lag.isPastBound).toBe(false);
  });

  it('is past its bound when nobody could look for so long', async () => {
    await later({ written: 5, reached: 5 });
    jest.advanceTimersByTime(BOUND_MS);
    expect(lag.isPastBound).toBe(false);
    jest.advanceTimersByTime(1);
    expect(lag.isPastBound).toBe(true);
    await later();
    expect(lag.isPastBound).toBe(false);
  });

  it('is past its bound at once behind a log in which another event stands there, or that ends before', async () => {
    await later({ written: 5, reached: 5 });
    written = 4;
    await later();
    expect(lag.isPastBound).toBe(true);
    await later({ written: 1 });
    expect(lag.isPastBound).toBe(false);
    log = 'second';
    await later();
    expect(lag.isPastBound).toBe(true);
  });

  it('is past its bound when what was in the log is not reached in time, though one moves all the while', async () => {
    await later();
    await later({ written: 50 });
    for (let second = 0; second < 29; second += 1) await later({ written: 10, reached: 1 });
    expect(lag.isPastBound).toBe(false);
    await later({ reached: 1 });
    expect([lag.isPastBound, lag.standsStill]).toEqual([true, false]);
    await later({ reached: 200 });
    expect(lag.isPastBound).toBe(false);
  });

  it('stays within it while each end of the log is reached in time, though there is always more', async () => {
    await later({ written: 10 });
    for (let second = 0; second < 100; second += 1) await later({ written: 1, reached: 1 });
    expect([lag.events, lag.isPastBound]).toEqual([10, false]);
  });

  it('tells one that stands still from one that has much to do', async () => {
    await later({ written: 1_000 });
    for (let second = 0; second < 100; second += 1) await later({ reached: 1 });
    expect([lag.isPastBound, lag.standsStill]).toEqual([true, false]);
    for (let second = 0; second < 32; second += 1) await later();
    expect(lag.standsStill).toBe(true);
    await later({ reached: 1 });
    expect(lag.standsStill).toBe(false);
  });

  it('of one that waited for long with nothing to do begins with what there is to do', async () => {
    await later({ written: 1, reached: 1 });
    for (let second = 0; second < 100; second += 1) await later();
    await later({ written: 1 });
    expect([lag.events, lag.isPastBound, lag.standsStill]).toEqual([1, false, false]);
  });
});
