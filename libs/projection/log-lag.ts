import { comparePositions, type EventStore, type Position } from '@peerbridge/event-store';
import { isInLog, type Checkpoint } from './checkpoint.js';
import { pause } from './pause.js';

const POLL_MS = 1_000;
/** Beyond this many events the lag is not counted further. */
export const COUNTED_LAG = 1_000;

export type LagStore = Pick<EventStore, 'head' | 'countAfter' | 'eventIdAt'>;

/**
 * How far a consumer of the log is behind it, as this process sees it from outside: it knows nothing that it has not itself
 * seen, and what it saw is true of the moment at which it looked.
 */
export class LogLag {
  /** Ends of the log that were not reached yet, and when each was seen last. */
  private awaited: { head: Position; seenAt: number }[] = [];
  private levelAt = -Infinity;
  private behindSince: number | undefined;
  private lastSeen: Position | undefined;
  private movedAt = performance.now();
  private lag = 0;

  /**
   * @param whereIsIt what the consumer has done with last; undefined: it is at the beginning
   * @param boundMs how long it may take for what is in the log
   */
  constructor(
    private readonly store: LagStore, private readonly whereIsIt: () => Promise<Checkpoint | undefined>,
    private readonly boundMs: number,
  ) {}

  /** Up to COUNTED_LAG. */
  get events(): number {
    return this.lag;
  }

  /**
   * It was not seen within the bound to have all that was in the log: because it is behind, though it may move, because nobody
   * could look, or nobody has yet.
   */
  get isPastBound(): boolean {
    return performance.now() - this.levelAt > this.boundMs;
  }

  /** It is behind and has not moved at all within the bound. */
  get standsStill(): boolean {
    return this.behindSince !== undefined && performance.now() - Math.max(this.movedAt, this.behindSince) > this.boundMs;
  }

  /** Until the signal aborts. */
  async watch(signal: AbortSignal, observe: (events: number) => Promise<void> | void): Promise<void> {
    while (!signal.aborted) {
      await this.look().then(() => observe(this.lag)).catch(() => undefined);
      await pause(POLL_MS, signal);
    }
  }

  async look(): Promise<void> {
    const seenAt = performance.now();
    const head = await this.store.head();
    const checkpoint = await this.whereIsIt();
    if (checkpoint && !await isInLog(this.store, checkpoint)) {
      this.awaited = [];
      this.levelAt = -Infinity;
      return;
    }
    this.sawHead(head, seenAt);
    this.isAt(checkpoint?.position);
    this.lag = this.behindSince === undefined ? 0 : await this.store.countAfter(checkpoint?.position, COUNTED_LAG);
  }

  /** The consumer was seen there. */
  isAt(position: Position | undefined): void {
    if (position !== this.lastSeen) this.movedAt = performance.now();
    this.lastSeen = position;
    if (position === undefined) return;
    while (this.awaited[0] && comparePositions(position, this.awaited[0].head) >= 0) {
      this.levelAt = Math.max(this.levelAt, this.awaited.shift()!.seenAt);
    }
    if (this.awaited.length === 0) this.behindSince = undefined;
  }

  private sawHead(head: Position | undefined, seenAt: number): void {
    if (head === undefined) {
      this.levelAt = seenAt;
      return;
    }
    // What was seen too long ago tells nothing any more, should it be reached.
    this.awaited = this.awaited.filter((one) => one.head !== head && seenAt - one.seenAt <= this.boundMs);
    this.awaited.push({ head, seenAt });
    this.behindSince ??= seenAt;
  }
}
