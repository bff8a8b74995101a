import { EventEmitter } from 'node:events';
import type pg from 'pg';
import type { Pool } from 'pg';
import { comparePositions, type Position } from '@peerbridge/event-store';
import { pause } from './pause.js';
import { VIEW_CHANNEL, viewAdvanced } from './view-writer.js';
import { View, type LiveView } from './view.js';

/** How often the checkpoint is looked at beside the notifications, which a lost connection may swallow. Milliseconds. */
const POLL_MS = 250;

/**
 * How far the live view is, as this process knows: it is at least there, for a version never goes back. What is known ends
 * with the version that it is known of.
 */
export class ViewPosition {
  private known: Position | undefined;
  private liveVersion = 0;
  private readonly advanced = new EventEmitter().setMaxListeners(0);
  private readonly stop = new AbortController();
  private waiters = 0;
  private listener: pg.Client | undefined;

  /** @param connect a connection of its own, for LISTEN */
  constructor(private readonly pool: Pool, private readonly connect: () => Promise<pg.Client>) {}

  async start(): Promise<void> {
    await this.refresh();
    void this.listen();
    void this.poll();
  }

  async close(): Promise<void> {
    this.stop.abort();
    void this.listener?.end().catch(() => undefined);
  }

  get current(): Position | undefined {
    return this.known;
  }

  /** The version that is there; another may be live without this process having heard of it. 0: nothing is known. */
  get version(): number {
    return this.liveVersion;
  }

  /** Whether the view is known to be there; it may be without this process having heard of it yet. */
  has(position: Position): boolean {
    return this.known !== undefined && comparePositions(this.known, position) >= 0;
  }

  /** False when the view did not get there in time. */
  async reached(position: Position, timeoutMs: number): Promise<boolean> {
    if (this.has(position)) return true;
    this.waiters += 1;
    try {
      return await new Promise<boolean>((resolve) => {
        const finish = (result: boolean) => {
          clearTimeout(timer);
          this.advanced.off('advanced', look);
          resolve(result);
        };
        const look = () => { if (this.has(position)) finish(true); };
        const timer = setTimeout(() => finish(false), timeoutMs);
        this.advanced.on('advanced', look);
      });
    } finally {
      this.waiters -= 1;
    }
  }

  /** Calls back after each commit of the view; with null where it is not known whom it touched. Returns the way to stop. */
  onAdvanced(listener: (participantIds: readonly string[] | null) => void): () => void {
    this.advanced.on('advanced', listener);
    return () => this.advanced.off('advanced', listener);
  }

  /** The live view, as the database has it now. */
  async refresh(): Promise<LiveView | undefined> {
    const live = await View.live(this.pool);
    this.advance(live?.version ?? 0, live?.checkpoint?.position, null);
    return live;
  }

  private advance(version: number, position: Position | undefined, participantIds: readonly string[] | null): void {
    if (version !== this.liveVersion) this.known = undefined;
    this.liveVersion = version;
    if (position === undefined || this.has(position)) return;
    this.known = position;
    this.advanced.emit('advanced', participantIds);
  }

  private async poll(): Promise<void> {
    for (let turn = 0; !this.stop.signal.aborted; turn += 1) {
      await pause(POLL_MS, this.stop.signal);
      const wanted = this.waiters > 0 || this.advanced.listenerCount('advanced') > 0 || turn % 8 === 0;
      if (wanted && !this.stop.signal.aborted) await this.refresh().catch(() => undefined);
    }
  }

  private async listen(): Promise<void> {
    while (!this.stop.signal.aborted) {
      let client: pg.Client | undefined;
      try {
        client = await this.connect();
        this.listener = client;
        const lost = new Promise<void>((resolve) => { client!.on('end', resolve).on('error', () => resolve()); });
        client.on('notification', ({ payload = '' }) => {
          const advanced = viewAdvanced(payload);
          if (advanced) this.advance(advanced.version, advanced.position, advanced.participantIds);
        });
        await client.query(`LISTEN ${VIEW_CHANNEL}`);
        if (!this.stop.signal.aborted) await lost;
      } catch {
        // The poll goes on meanwhile.
      }
      // Not awaited: the other end may be gone without a word.
      void client?.end().catch(() => undefined);
      await pause(POLL_MS, this.stop.signal);
    }
  }
}
