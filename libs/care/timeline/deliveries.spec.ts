import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Deliveries } from './deliveries.js';

type Dependencies = ConstructorParameters<typeof Deliveries>;

const caller = { memberId: 'cl1', orgId: 'orgC', role: 'clinician' as const };
const ada = 'ada00000-0000-4000-8000-000000000001';

/** A person's story as a list of positions, some of them withheld; and who holds the person's lock. */
class Story {
  written = 0;
  withheld = new Set<number>();
  holds = 0;
  decisions = 0;
  listeners = 0;
  broken = false;
  private changed = (_: readonly string[] | null): void => undefined;

  readonly deliveries = new Deliveries({
    options: {
      position: {
        current: 'p00',
        onAdvanced: (listener: typeof this.changed) => {
          this.changed = listener;
          this.listeners += 1;
          return () => { this.listeners -= 1; };
        },
      },
    },
    position: async () => at(this.written),
    session: () => ({
      person: async () => {
        this.decisions += 1;
        if (this.broken) throw new Error('Connection terminated unexpectedly');
        return {};
      },
      timelineSince: async (_: unknown, after: string, limit: number) => this.visible().filter(({ position }) => position > after)
        .slice(0, limit),
    }),
  } as unknown as Dependencies[0], {
    share: async () => {
      this.holds += 1;
      return async () => { this.holds -= 1; };
    },
  } as unknown as Dependencies[1]);

  /** The projection commits so many more events at once. */
  write(count: number): void {
    this.written += count;
    this.changed([ada]);
  }

  private visible(): { position: string }[] {
    return Array.from({ length: this.written }, (_, index) => index + 1).filter((nth) => !this.withheld.has(nth))
      .map((nth) => ({ position: at(nth) }));
  }
}

const at = (nth: number): string => `p${String(nth).padStart(2, '0')}`;

describe('Deliveries of a story', () => {
  beforeEach(() => { jest.useFakeTimers(); });
  afterEach(() => { jest.useRealTimers(); });

  const take = async (
    entries: AsyncIterator<{ row: { position: string } }>, count: number, takesMs = 0,
  ): Promise<string[]> => {
    const taken: string[] = [];
    while (taken.length < count) {
      const { value } = await entries.next() as { value: { row: { position: string } } };
      taken.push(value.row.position);
      jest.advanceTimersByTime(takesMs);
    }
    return taken;
  };

  it('hold the lock while an entry is on its way, and let it go when the last one has arrived', async () => {
    const story = new Story();
    const entries = story.deliveries.entries(caller, ada, new AbortController().signal);
    story.write(2);
    expect(await take(entries, 2)).toEqual(['p01', 'p02']);
    expect([story.holds, story.decisions]).toEqual([1, 1]);
    void entries.next();
    await jest.advanceTimersByTimeAsync(0);
    expect(story.holds).toBe(0);
  });

  it('let it go between two entries after a second, and decide anew: each comes once, in order, in its own time', async () => {
    const story = new Story();
    const entries = story.deliveries.entries(caller, ada, new AbortController().signal);
    story.write(9);
    expect(await take(entries, 9, 400)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9].map(at));
    expect(story.decisions).toBe(3);
  });

  it('make headway with a receiver that takes longer than that for each', async () => {
    const story = new Story();
    const entries = story.deliveries.entries(caller, ada, new AbortController().signal);
    story.write(3);
    expect(await take(entries, 3, 1_900)).toEqual(['p01', 'p02', 'p03']);
    expect(story.decisions).toBe(3);
  });

  it('leave out for good what was withheld when it was its turn, also beside entries that were not', async () => {
    const story = new Story();
    story.withheld.add(2).add(3);
    const entries = story.deliveries.entries(caller, ada, new AbortController().signal);
    story.write(3);
    expect(await take(entries, 1)).toEqual(['p01']);
    const later = take(entries, 1);
    await jest.advanceTimersByTimeAsync(0);
    story.withheld.clear();
    story.write(1);
    expect(await later).toEqual(['p04']);
  });

  it('that cannot be decided end, and keep neither the lock nor an ear: a withdrawal waits for nobody', async () => {
    const story = new Story();
    const entries = story.deliveries.entries(caller, ada, new AbortController().signal);
    story.broken = true;
    story.write(1);
    await expect(entries.next()).rejects.toThrow('Connection terminated');
    expect([story.decisions, story.holds, story.listeners]).toEqual([1, 0, 0]);
  });

  it('of what is no id stay open and silent, and lock nothing', async () => {
    const story = new Story();
    const ended = new AbortController();
    const next = story.deliveries.entries(caller, 'ada', ended.signal).next();
    story.write(1);
    await jest.advanceTimersByTimeAsync(5_000);
    expect([story.decisions, story.holds, story.listeners]).toEqual([0, 0, 0]);
    ended.abort();
    expect(await next).toEqual({ done: true, value: undefined });
  });
});
