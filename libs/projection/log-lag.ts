import { comparePositions, type EventStore, type Position } from '@peerbridge/event-store';
import { pause } from './pause.js';

const POLL_MS = 1_000;
/** Beyond this many events the lag is not counted further. */
export const COUNTED_LAG = 1_000;

/** How far a consumer of the log is behind it, and for how long, as this process sees it from outside. */
export class LogLag {
  /** An end of the log that was not reached yet, and when it was first seen. */
  private awaited: { head: Position; since: number } | undefined;
  private lastSeen: Position | undefined;
  private movedAt = performance.now();
  private lag = 0;

  /**
   * @param whereIsIt how far the consumer has come; undefined: at the beginning
   * @param boundMs how long it may take for what is in the log
   */
  constructor(
    private readonly store: Pick<EventStore, 'head' | 'readAll'>,
    private readonly whereIsIt: () => Promise<Position | undefined> | Position | undefined,
    private readonly boundMs: number,
  ) {}

  /** Up to COUNTED_LAG. */
  get events(): number {
    return this.lag;
  }

  /** It has not reached, within the bound, what was in the log: it may move, and be minutes behind all the same. */
  get isPastBound(): boolean {
    return this.awaited !== undefined && performance.now() - this.awaited.since > this.boundMs;
  }

  /** It is behind and has not moved at all within the bound. */
  get standsStill(): boolean {
    return this.awaited !== undefined && performance.now() - Math.max(this.movedAt, this.awaited.since) > this.boundMs;
  }

  /** Until the signal aborts. */
  async watch(signal: AbortSignal, observe: (events: number) => Promise<void> | void): Promise<void> {
    while (!signal.aborted) {
      await this.look().then(() => observe(this.lag)).catch(() => undefined);
      await pause(POLL_MS, signal);
    }
  }

  async look(): Promise<void> {
    // In this order: what is appended between the two is seen as lag, never the other way round.
    const position = await this.whereIsIt();
    const head = await this.store.head();
    if (position !== this.lastSeen) this.movedAt = performance.now();
    this.lastSeen = position;
    if (this.awaited && isAt(position, this.awaited.head)) this.awaited = undefined;
    const behind = head !== undefined && !isAt(position, head);
    if (behind) this.awaited ??= { head, since: performance.now() };
    this.lag = behind ? await this.count(position) : 0;
  }

  private async count(after: Position | undefined): Promise<number> {
    let count = 0;
    for await (const _ of this.store.readAll({ ...(after !== undefined && { after }), limit: COUNTED_LAG })) count += 1;
    return count;
  }
}

const isAt = (position: Position | undefined, head: Position): boolean =>
  position !== undefined && comparePositions(position, head) >= 0;
