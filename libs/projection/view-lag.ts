import { comparePositions, type EventStore, type Position } from '@peerbridge/event-store';
import { pause } from './pause.js';
import type { ViewPosition } from './view-position.js';

const POLL_MS = 1_000;
/** Beyond this many events the lag is not counted further. */
const COUNTED = 1_000;

/** How far the view is behind the log, and since when: looked at by every process that answers from it. */
export class ViewLag {
  private behindSince: number | undefined;
  private lag = 0;
  private lastSeen: Position | undefined;

  /** @param boundMs behind for longer than this, nothing may rest on the view */
  constructor(private readonly store: EventStore, private readonly position: ViewPosition, private readonly boundMs: number) {}

  get events(): number {
    return this.lag;
  }

  get isPastBound(): boolean {
    return this.behindSince !== undefined && performance.now() - this.behindSince > this.boundMs;
  }

  /** Until the signal aborts. */
  async watch(signal: AbortSignal, observe: (events: number) => void): Promise<void> {
    while (!signal.aborted) {
      await this.look().catch(() => undefined);
      observe(this.lag);
      await pause(POLL_MS, signal);
    }
  }

  private async look(): Promise<void> {
    const { current } = this.position;
    const head = await this.store.head();
    const upToDate = head === undefined || (current !== undefined && comparePositions(current, head) >= 0);
    // To move is to keep up: only a view that stands still while the log does not is behind.
    const stands = !upToDate && current === this.lastSeen;
    this.lastSeen = current;
    this.behindSince = stands ? this.behindSince ?? performance.now() : undefined;
    this.lag = stands ? await this.count(current) : 0;
  }

  private async count(after: Position | undefined): Promise<number> {
    let count = 0;
    for await (const _ of this.store.readAll({ after, limit: COUNTED })) count += 1;
    return count;
  }
}
