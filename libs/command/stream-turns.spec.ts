import { describe, expect, it } from '@jest/globals';
import { StreamTurns } from './stream-turns.js';

const withdrawal = { withdraws: true };
const other = { withdraws: false };

describe('Commands to one stream', () => {
  /** Takes turns in the order asked for; `done` lists them in the order they were had. */
  function line() {
    const turns = new StreamTurns();
    const done: string[] = [];
    const take = (name: string, kind: { withdraws: boolean }) => turns.take('consent-1', kind, async () => {
      await Promise.resolve();
      done.push(name);
    });
    return { turns, done, take };
  }

  it('take turns in the order they came, a withdrawal right after the one that is at work', async () => {
    const { done, take } = line();
    await Promise.all([take('first', other), take('second', other), take('third', other), take('revocation', withdrawal)]);
    expect(done).toEqual(['first', 'revocation', 'second', 'third']);
  });

  it('go on after one that failed', async () => {
    const { turns, done, take } = line();
    const failing = turns.take('consent-1', other, () => Promise.reject(new Error('Refused')));
    await Promise.all([expect(failing).rejects.toThrow('Refused'), take('next', other)]);
    expect(done).toEqual(['next']);
  });

  it('that waited are told so, and those to another stream wait for nobody', async () => {
    const turns = new StreamTurns();
    const waited = async (stream: string) => turns.take(stream, other, async (had) => had);
    expect(await Promise.all([waited('a'), waited('a'), waited('b')])).toEqual([false, true, false]);
  });

  it('are too many beyond a thousand, but for withdrawals', async () => {
    const { take } = line();
    const taken = Array.from({ length: 1_001 }, (_, index) => take(String(index), other));
    await expect(take('one more', other)).rejects
      .toMatchObject({ code: 'RATE_LIMITED', details: { retryAfterMs: expect.any(Number) } });
    await Promise.all([...taken, take('revocation', withdrawal)]);
  });
});
