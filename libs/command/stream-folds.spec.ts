import { describe, expect, it } from '@jest/globals';
import type { RecordedEvent, StoredEvent } from '@peerbridge/event-store';
import type { FactOfAnyType, StreamDefinition } from '@peerbridge/kernel';
import { StreamFolds } from './stream-folds.js';

interface Noted extends FactOfAnyType {
  data: { noteId: string };
}

const notes: StreamDefinition<Set<string>, Noted> = {
  category: 'notes', keyedBy: 'participant', events: [], initialState: () => new Set(),
  evolve: (state, { data }) => state.add(data.noteId),
  entityOf: ({ data }) => data.noteId,
};
const stream = notes as unknown as StreamDefinition<unknown>;
const NAME = 'notes-p1';

const written = (index: number): StoredEvent => ({
  metadata: { actor: { id: 'm1' }, commandId: `c${index}`, bodyHash: `b${index}` },
  data: { open: { noteId: `n${index}` }, sealed: {} },
}) as unknown as StoredEvent;

/** A log that counts what is read of it. */
function log(length: number) {
  const events = Array.from({ length }, (_, revision) => recorded(written(revision), revision));
  const counted = { reads: 0, events: 0 };
  const folds = new StreamFolds({
    async *readStream(_name, { from = 0 } = {}) {
      counted.reads += 1;
      for (const event of events.slice(from)) {
        counted.events += 1;
        yield event;
      }
    },
  }, { fact: (event) => ({ type: 'Noted', data: event.data.open }) as unknown as FactOfAnyType });
  return { events, counted, folds };
}

const recorded = (event: StoredEvent, revision: number): RecordedEvent =>
  ({ ...event, stream: NAME, revision, position: `p${revision}` });

describe('A stream of 1,500 events', () => {
  it('is read once, and every later command folds its own event alone', async () => {
    const { events, counted, folds } = log(1_500);
    await folds.read(stream, NAME, 'p1');
    expect(counted).toEqual({ reads: 1, events: 1_500 });
    for (let index = 1_500; index < 1_600; index += 1) {
      const known = folds.known(NAME)!;
      expect(known.revision).toBe(index - 1);
      events.push(recorded(written(index), index));
      folds.appended(stream, NAME, [written(index)], { revision: index, position: `p${index}` });
    }
    expect(counted).toEqual({ reads: 1, events: 1_500 });
    expect((folds.known(NAME)!.state as Set<string>).size).toBe(1_600);
  });

  it('costs only what others wrote since, where they were faster', async () => {
    const { events, counted, folds } = log(1_500);
    await folds.read(stream, NAME, 'p1');
    events.push(recorded(written(1_500), 1_500));
    const folded = await folds.read(stream, NAME, 'p1');
    expect(counted).toEqual({ reads: 2, events: 1_501 });
    expect(folded.commands.get('m1/c1500'))
      .toEqual({ bodyHash: 'b1500', id: 'n1500', counted: 0, position: 'p1500', eventType: 'Noted' });
  });
});

describe('Streams that are kept', () => {
  it('are those used last, once they hold more events than fit', async () => {
    const { folds } = log(30_000);
    for (const name of ['one', 'two', 'three', 'four']) await folds.read(stream, name, 'p1');
    expect(['one', 'two', 'three', 'four'].map((name) => folds.known(name) !== undefined)).toEqual([false, true, true, true]);
  });

  it('are not those of a single thing, which one command begins', async () => {
    const { folds } = log(1);
    await folds.read({ ...stream, keyedBy: 'entity' }, NAME, 'p1');
    expect(folds.known(NAME)).toBeUndefined();
  });
});
