import type pg from 'pg';
import type { Pool, PoolClient } from 'pg';
import { lastPosition, type EventStore, type Position, type RecordedEvent } from '@peerbridge/event-store';
import type { EventCodec } from '@peerbridge/vault';
import { batches } from './batches.js';
import { withLease } from './lease.js';
import { pause } from './pause.js';
import { rebuildView } from './rebuild.js';
import { transaction } from './transaction.js';
import { CheckpointMoved, ViewWriter } from './view-writer.js';
import { View } from './view.js';

const BATCH_SIZE = 1_000;
/** After an error, before the next try; doubled up to the second number. Milliseconds. */
const BACK_OFF_MS = [100, 5_000] as const;
/** A rebuild moves the checkpoint once; moved so often in a row, something is wrong with it. */
const MOVED_OFTEN = 5;
/** An outdated projector lets the lease be for so long, for one of the release that made the view. */
const STAND_ASIDE_MS = 5_000;

/** The view is another release's, which took over from this one. */
class Outdated extends Error {
  override name = 'Outdated';
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
 * was applied is impossible: the checkpoint moves in the same transaction.
 */
export class Projector {
  private state: { status: 'up' | 'down' | 'standby'; stoppedParticipants: number } = {
    status: 'standby', stoppedParticipants: 0,
  };
  /** Whether this process has seen the live view made by its own projections. */
  private wasOurs = false;

  constructor(private readonly options: ProjectorOptions) {}

  get status() {
    return this.state;
  }

  /** Until the signal aborts. Survives outages of the store and the database. */
  async run(signal: AbortSignal): Promise<void> {
    const { connect, pool, view, log } = this.options;
    this.wasOurs = await view.live(pool).then((live) => live?.definition === view.definition, () => false);
    for (let saidSo = false; !signal.aborted;) {
      try {
        await withLease(connect, 'projector', signal, (leased) => this.work(leased));
      } catch (error) {
        if (!(error instanceof Outdated)) throw error;
        if (!saidSo) log.error({}, 'Other projections have rebuilt the live view since this projector started: it stands aside');
        saidSo = true;
        this.state = { ...this.state, status: 'down' };
        await pause(STAND_ASIDE_MS, signal);
      }
    }
    this.state = { ...this.state, status: 'standby' };
  }

  private async work(leased: AbortSignal): Promise<void> {
    let delay: number = BACK_OFF_MS[0];
    let moved = 0;
    const progressed = () => {
      delay = BACK_OFF_MS[0];
      moved = 0;
    };
    while (!leased.aborted) {
      try {
        await this.follow(leased, progressed);
      } catch (error) {
        if (leased.aborted) return;
        if (error instanceof Outdated) throw error;
        // A rebuild that swapped the view moves the checkpoint: that is no failure, only a reason to look again.
        moved = error instanceof CheckpointMoved ? moved + 1 : MOVED_OFTEN;
        if (moved >= MOVED_OFTEN) {
          this.state = { ...this.state, status: 'down' };
          this.options.log.error({ err: error }, 'The projector stopped and will try again');
        }
        await pause(delay, leased);
        delay = Math.min(delay * 2, BACK_OFF_MS[1]);
      }
    }
  }

  private async follow(signal: AbortSignal, progressed: () => void): Promise<void> {
    const { pool, view, codec, store } = this.options;
    const client = await pool.connect();
    let broken: Error | undefined;
    const ended = new AbortController();
    try {
      const { version, position } = await this.liveVersion(client, signal);
      const writer = new ViewWriter(view, version, codec, (event, cause) => this.alarm(event, cause));
      await writer.open(client);
      let checkpoint = position;
      this.report(writer);
      const items = store.subscribeAll({ after: checkpoint, signal: AbortSignal.any([signal, ended.signal]) });
      for await (const batch of batches(items, BATCH_SIZE)) {
        const to = lastPosition(batch);
        if (to !== undefined) {
          await writer.write(client, batch.flatMap((item) => (item.kind === 'event' ? [item.event] : [])), checkpoint, to);
          checkpoint = to;
        }
        progressed();
        this.report(writer);
      }
    } catch (error) {
      broken = error as Error;
      throw error;
    } finally {
      ended.abort();
      client.release(broken !== undefined && !(broken instanceof CheckpointMoved));
    }
  }

  /** The live view; made at the first start, rebuilt where an earlier release's projections made it. */
  private async liveVersion(
    client: PoolClient, signal: AbortSignal,
  ): Promise<{ version: number; position: Position | undefined }> {
    const { view, patient, log } = this.options;
    let live = await view.live(client);
    if (live && live.definition !== view.definition) {
      // A release that was rolled back starts anew; one that stood by does not undo the work of the one after it.
      if (this.wasOurs) throw new Outdated('The view was made by other projections since');
      log.info('The live view was made by other projections: rebuilding it');
      const alarm = (event: RecordedEvent, cause: unknown) => this.alarm(event, cause);
      await rebuildView({ ...this.options, pool: patient, alarm, compare: false, signal });
      live = await view.live(client);
    }
    this.wasOurs = true;
    const version = live?.version ?? await transaction(client, () => view.createNext(client, { live: true }));
    const { rows } = await client.query<{ position: Position | null }>(
      'SELECT position FROM runtime.checkpoint WHERE consumer = $1', [View.consumer(version)]);
    return { version, position: rows[0]?.position ?? undefined };
  }

  private report(writer: ViewWriter): void {
    this.state = { status: 'up', stoppedParticipants: writer.stoppedParticipants };
  }

  private alarm(event: RecordedEvent, cause: unknown): void {
    const { eventId, type, schemaVersion, participantId } = event.metadata;
    const reason = cause instanceof Error ? cause.name : 'unknown';
    this.options.log.error(
      { eventId, type, schemaVersion, participantId, reason }, 'An event cannot be applied: its person is stopped',
    );
  }
}
