import { describe, expect, it } from '@jest/globals';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { StoreUnavailable } from '../port.js';
import { GroupCommit, type AppendOutcome, type PendingAppend } from './group-commit.js';

const anAppend = (stream: string, bytes = 1): PendingAppend => ({ stream, expected: -1, events: [], bytes });
const accepted: AppendOutcome = { actual: -1, position: 1 };

interface Batch {
  streams: string[];
  answer(error?: Error): void;
}

/** A server that answers each batch when told to. */
function aServer() {
  const unseen: Batch[] = [];
  const commits = new GroupCommit((batch) => new Promise((resolve, reject) => {
    unseen.push({
      streams: batch.map((append) => append.stream),
      answer: (error) => (error ? reject(error) : resolve(batch.map(() => accepted))),
    });
  }));
  const nextBatch = async (): Promise<Batch> => {
    while (unseen.length === 0) await nextTurn();
    return unseen.shift()!;
  };
  return { commits, nextBatch, unseen };
}

describe('Group commit', () => {
  it('sends what queued up during one commit with the next', async () => {
    const { commits, nextBatch, unseen } = aServer();
    const first = commits.submit(anAppend('a'));
    const alone = await nextBatch();
    const others = ['b', 'c', 'd'].map((stream) => commits.submit(anAppend(stream)));
    for (const _ of others) await nextTurn();
    expect(unseen).toEqual([]);
    alone.answer();
    expect(await first).toEqual(accepted);
    const together = await nextBatch();
    expect([alone.streams, together.streams]).toEqual([['a'], ['b', 'c', 'd']]);
    together.answer();
    expect(await Promise.all(others)).toEqual([accepted, accepted, accepted]);
  });

  it('keeps the appends to one stream apart and in order', async () => {
    const { commits, nextBatch, unseen } = aServer();
    for (const stream of ['a', 'a', 'b', 'a']) void commits.submit(anAppend(stream));
    const drained = commits.drained();
    for (const streams of [['a', 'b'], ['a'], ['a']]) {
      const batch = await nextBatch();
      expect(batch.streams).toEqual(streams);
      batch.answer();
    }
    await drained;
    expect(unseen).toEqual([]);
  });

  it('bounds a batch by its bytes', async () => {
    const { commits, nextBatch } = aServer();
    for (const stream of ['a', 'b', 'c']) void commits.submit(anAppend(stream, 2_000_000));
    expect((await nextBatch()).streams).toEqual(['a', 'b']);
  });

  it('asks again, one by one, when the server chokes on a batch', async () => {
    const commits = new GroupCommit(async (batch) => {
      if (batch.some((append) => append.stream === 'bad')) throw new Error('Choked');
      return batch.map(() => accepted);
    });
    const outcomes = await Promise.allSettled(['a', 'bad', 'b'].map((stream) => commits.submit(anAppend(stream))));
    expect(outcomes.map((outcome) => outcome.status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
  });

  it('tells everyone of an outage, and goes on afterwards', async () => {
    const { commits, nextBatch } = aServer();
    const during = Promise.allSettled(['a', 'b'].map((stream) => commits.submit(anAppend(stream))));
    (await nextBatch()).answer(new StoreUnavailable('Gone'));
    expect((await during).map((outcome) => outcome.status)).toEqual(['rejected', 'rejected']);
    const after = commits.submit(anAppend('a'));
    (await nextBatch()).answer();
    expect(await after).toEqual(accepted);
  });
});
