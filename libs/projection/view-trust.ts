import { setTimeout as delay } from 'node:timers/promises';
import { DomainError } from '@peerbridge/kernel';
import { LogLag, type LagStore } from './log-lag.js';
import { pause } from './pause.js';
import type { ViewPosition } from './view-position.js';
import type { View } from './view.js';

const LOOK_EVERY_MS = 1_000;
const ASKED_AGAIN_MS = 50;

export interface ViewTrustOptions {
  store: LagStore;
  position: ViewPosition;
  view: Pick<View, 'definition'>;
  /** A view that was not seen within this time to have all that was in the log is no ground for an answer. Milliseconds. */
  boundMs: number;
  /** How long a version that was just swapped in is waited for. Milliseconds. */
  waitMs: number;
}

/**
 * Which version of the view this process answers from: one that it has itself seen level with the log, as that was no longer
 * ago than the bound. Of a version that is being made, is late, or cannot be compared with the log, nothing is told.
 */
export class ViewTrust {
  /** Of the version that was looked at last; what was seen ends with it. */
  private seen: { version: number; lag: LogLag } | undefined;
  private looking: Promise<void> | undefined;
  /** Whether this process has seen a view made by its own projections. */
  private sawOurs = false;

  constructor(private readonly options: ViewTrustOptions) {}

  /** Of the live view, in events, as far as they are counted. */
  get lagEvents(): number {
    return this.seen?.lag.events ?? 0;
  }

  /** Whether answers may rest on this version. One that this process has not heard of is looked at, once for all who ask. */
  async holds(version: number): Promise<boolean> {
    if (version !== this.seen?.version) await this.look().catch(() => undefined);
    return version === this.seen?.version && !this.seen.lag.isPastBound;
  }

  /** The version to answer from. @throws DomainError UNAVAILABLE */
  async version(): Promise<number> {
    const { position } = this.options;
    if (position.version === 0) await position.refresh();
    const { version } = position;
    if (version === 0) throw new DomainError('UNAVAILABLE', 'The view is being made from the log; repeat the request.');
    if (await this.holds(version)) return version;
    throw new DomainError('UNAVAILABLE', 'The view is behind the log; repeat the request.');
  }

  /** Waits for a version to answer from. @throws DomainError UNAVAILABLE where there was none in time */
  async established(withinMs: number): Promise<void> {
    for (const deadline = performance.now() + withinMs; ;) {
      try {
        await this.version();
        return;
      } catch (error) {
        if (performance.now() > deadline) throw error;
        await delay(ASKED_AGAIN_MS);
      }
    }
  }

  /** Looks again and again, until the signal aborts. */
  async watch(signal: AbortSignal, observe: () => Promise<void>): Promise<void> {
    while (!signal.aborted) {
      await this.look().then(observe).catch(() => undefined);
      await pause(LOOK_EVERY_MS, signal);
    }
  }

  private look(): Promise<void> {
    this.looking ??= this.lookNow().finally(() => { this.looking = undefined; });
    return this.looking;
  }

  private async lookNow(): Promise<void> {
    const { store, position, view, boundMs, waitMs } = this.options;
    const live = await position.refresh();
    this.sawOurs ||= live?.definition === view.definition;
    // An older release goes on with the view of the one that replaces it; a newer one waits for a view of its own.
    if (!live || !this.sawOurs) {
      this.seen = undefined;
      return;
    }
    if (this.seen?.version === live.version) return this.seen.lag.look();
    const lag = new LogLag(store, async () => {
      const now = await position.refresh();
      return now?.version === live.version ? now.checkpoint : undefined;
    }, boundMs);
    await lag.look();
    // Just swapped in, it may be an event behind.
    const head = lag.isPastBound ? await store.head() : undefined;
    if (head !== undefined && await position.reached(head, waitMs)) await lag.look();
    this.seen = { version: live.version, lag };
  }
}
