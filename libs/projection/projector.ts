import type pg from 'pg';
import type { Pool, PoolClient } from 'pg';
import type { EventStore, RecordedEvent } from '@peerbridge/event-store';
import type { EventCodec } from '@peerbridge/vault';
import { batches, itemsUpTo } from './batches.js';
import { isInLog, type Checkpoint } from './checkpoint.js';
import { withLease } from './lease.js';
import { pause } from './pause.js';
import { makeView } from './rebuild.js';
import { CheckpointMoved, ViewWriter } from './view-writer.js';
import { View, type LiveView } from './view.js';

const BATCH_SIZE = 1_000;
/** After an error, before the next try; doubled up to the second number. Milliseconds. */
const BACK_OFF_MS = [100, 5_000] as const;
/** How often it is made sure that the view that is written is still the live one, and of this log. */
const LOOK_EVERY_MS = 1_000;
/** An outdated projector looks again after so long whether it is needed. */
const STAND_ASIDE_MS = 5_000;

/** Nothing may rest on the live view any more. The message says why, for operators. */
class ViewClosed extends Error {
  override name = 'ViewClosed';
}

export interface ProjectorOptions {
  store: EventStore;
  pool: Pool;
  /** For a rebuild: no statement of it is too slow. */
  patient: Pool;
  /** A connection of its own, which the lease lives on. */
  connect(): Promise<pg.Client>;
  view: View;
  codec: EventCodec;
  log: { info(text: string): void; error(fields: object, text: string): void };
}

/**
 * Keeps the live view up with the log: one projector at a time holds the lease, others stand by. Applying again what
 * was applied is impossible: the checkpoint moves in the same transaction. Where there is no view of this release and this
 * log, it makes one, while nobody sees it and without the lease.
 */
export class Projector {
  private state: { status: 'up' | 'down' | 'standby'; stoppedParticipants: number } = {
    status: 'standby', stoppedParticipants: 0,
  };
  /** Whether this process has seen the live view made by its own projections. */
  private wasOurs = false;
  private saidOutdated = false;

  constructor(private readonly options: ProjectorOptions) {}

  get status() {
    return this.state;
  }

  /** Until the signal aborts. Survives outages of the store and the database. */
  async run(signal: AbortSignal): Promise<void> {
    let delay: number = BACK_OFF_MS[0];
    while (!signal.aborted) {
      try {
        await this.turn(signal, () => { delay = BACK_OFF_MS[0]; });
      } catch (error) {
        if (signal.aborted) break;
        // Somebody else has swapped or closed the view: that is no failure, only a reason to look again.
        if (error instanceof ViewClosed) {
          this.options.log.error({}, `${error.message}: it is closed, and made anew from the log`);
        } else if (!(error instanceof CheckpointMoved)) {
          this.state = { ...this.state, status: 'down' };
          this.options.log.error({ err: error }, 'The projector stopped and will try again');
        }
        await pause(delay, signal);
        delay = Math.min(delay * 2, BACK_OFF_MS[1]);
      }
    }
    this.state = { ...this.state, status: 'standby' };
  }

  private async turn(signal: AbortSignal, progressed: () => void): Promise<void> {
    const { view, connect, log, patient } = this.options;
    const live = await this.standing();
    if (live?.definition === view.definition) {
      this.wasOurs = true;
      await withLease(connect, 'projector', signal, (leased) => this.follow(leased, progressed));
    } else if (live && this.wasOurs) {
      // A release that was rolled back starts anew; one that stood by does not undo the work of the one after it.
      if (!this.saidOutdated) {
        log.error({}, 'Other projections have rebuilt the live view since this projector started: it stands aside');
      }
      this.saidOutdated = true;
      this.state = { ...this.state, status: 'down' };
      await pause(STAND_ASIDE_MS, signal);
    } else {
      if (live) log.info('The live view was made by other projections: rebuilding it');
      await makeView({ ...this.options, pool: patient, signal, alarm: (event, cause) => this.alarm(event, cause) });
      this.wasOurs = true;
    }
  }

  /**
   * The live view. One of which it is not known how far it is, or that has events that the log has not, is closed.
   * @throws ViewClosed
   */
  private async standing(): Promise<LiveView | undefined> {
    const { pool } = this.options;
    const live = await View.live(pool);
    const wrong = live && await this.whatIsWrong(live);
    if (!wrong) return live;
    await View.close(pool, live.version);
    throw new ViewClosed(wrong);
  }

  private async whatIsWrong({ checkpoint, hasCheckpoint }: LiveView): Promise<string | undefined> {
    if (!hasCheckpoint) return 'The checkpoint of the live view is gone';
    if (!checkpoint || await isInLog(this.options.store, checkpoint)) return undefined;
    return 'The live view is of another event store, or of events that this one no longer has';
  }

  /** Writes the live view while it is the one to write. @throws CheckpointMoved where it no longer is */
  private async follow(leased: AbortSignal, progressed: () => void): Promise<void> {
    const { pool, view, codec } = this.options;
    const client = await pool.connect();
    const ended = new AbortController();
    let broken = true;
    try {
      const live = await View.live(client);
      if (live?.definition === view.definition && live.hasCheckpoint) {
        const writer = new ViewWriter(view, live.version, codec, (event, cause) => this.alarm(event, cause));
        await writer.open(client);
        void this.watch(live.version, ended, leased);
        await this.write(client, writer, live.checkpoint, AbortSignal.any([leased, ended.signal]), progressed);
      }
      broken = false;
    } catch (error) {
      broken = !(error instanceof CheckpointMoved);
      throw error;
    } finally {
      ended.abort();
      client.release(broken);
    }
  }

  private async write(
    client: PoolClient, writer: ViewWriter, from: Checkpoint | undefined, signal: AbortSignal, progressed: () => void,
  ): Promise<void> {
    let checkpoint = from;
    this.report(writer);
    const items = this.options.store.subscribeAll({ after: checkpoint?.position, signal });
    for await (const batch of batches(items, itemsUpTo(BATCH_SIZE))) {
      const events = batch.flatMap((item) => (item.kind === 'event' ? [item.event] : []));
      if (events.length > 0) checkpoint = await writer.write(client, events, checkpoint);
      progressed();
      this.report(writer);
    }
  }

  /** Ends the writing where the version is no longer live, or no longer of this log: also while nothing is written. */
  private async watch(version: number, ended: AbortController, leased: AbortSignal): Promise<void> {
    const signal = AbortSignal.any([ended.signal, leased]);
    while (!signal.aborted) {
      await pause(LOOK_EVERY_MS, signal);
      const stands = async () => {
        const live = await View.live(this.options.pool);
        return live?.version === version && await this.whatIsWrong(live) === undefined;
      };
      // An outage is noticed by the one who writes.
      if (!signal.aborted && !await stands().catch(() => true)) ended.abort();
    }
  }

  private report(writer: ViewWriter): void {
    this.state = { status: 'up', stoppedParticipants: writer.stoppedParticipants };
  }

  private alarm(event: RecordedEvent, cause: unknown): void {
    const { eventId, type, schemaVersion, participantId } = event.metadata;
    const reason = cause instanceof Error ? cause.name : 'unknown';
    const consequence = participantId === undefined ? 'it is about nobody, and skipped' : 'its person is stopped';
    this.options.log.error({ eventId, type, schemaVersion, participantId, reason }, `An event cannot be applied: ${consequence}`);
  }
}
