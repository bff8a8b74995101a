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
    if (head === undefined || (current !== undefined && comparePositions(current, head) >= 0)) {
      this.lag = 0;
      this.behindSince = undefined;
      return;
    }
    // Behind what it was when it was last seen to move is progress, not standstill.
    if (this.lastSeen !== current) this.behindSince = undefined;
    this.lastSeen = current;
    this.behindSince ??= performance.now();
    let count = 0;
    for await (const _ of this.store.readAll({ after: current, limit: COUNTED })) count += 1;
    this.lag = count;
  }
}
