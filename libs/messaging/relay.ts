import type { EventStore, RecordedEvent } from '@peerbridge/event-store';
import { batches, isInLog, itemsUpTo, pause, type Checkpoint, type CheckpointStore } from '@peerbridge/projection';
import { integrationEvent } from './integration-event.js';
import type { Publisher } from './publisher.js';

/** The relay's checkpoint. */
export const RELAY = 'relay';
const BATCH_SIZE = 1_000;
/** How often it is made sure that the log still has what was published last. */
const LOOK_EVERY_MS = 1_000;
/** After an error, before the next try; doubled up to the second number. */
const FIRST_RETRY_MS = 100;
const LAST_RETRY_MS = 5_000;

export interface RelayOptions {
  store: Pick<EventStore, 'subscribeAll' | 'eventIdAt'>;
  /** Without one the relay is off. */
  publisher?: Publisher;
  checkpoints: CheckpointStore;
  /** Events to one publish at most. */
  batchSize?: number;
  log?: { info(text: string): void; error(fields: object, text: string): void };
}

export interface RelayStatus {
  /** A relay that stands by for its lease is up: nothing fails. */
  status: 'up' | 'down' | 'off';
  enabled: boolean;
}

/**
 * Publishes every event of the log, at least once; the first occurrences of a key's events are in order. The checkpoint
 * moves after the broker's acknowledgement, and whatever goes wrong, the relay goes back to it: so all that is ever sent
 * comes right after what was acknowledged. Where the log no longer has what was published last, because it was put back or is
 * another, all of it is published again. How far it is and how much it has published stands with its checkpoint, for
 * whoever asks, in whatever process.
 */
export class Relay {
  /** What is wrong now, by the kind of failure. */
  private failing: string | undefined;

  constructor(private readonly options: RelayOptions) {}

  status(): RelayStatus {
    const enabled = this.options.publisher !== undefined;
    return { status: !enabled ? 'off' : this.failing !== undefined ? 'down' : 'up', enabled };
  }

  /** Until the signal aborts, across outages of broker, store and database. */
  async run(signal: AbortSignal): Promise<void> {
    const { publisher, log } = this.options;
    if (!publisher) {
      log?.info('The relay is off: no brokers are configured');
      return;
    }
    for (let retryMs = FIRST_RETRY_MS; !signal.aborted; retryMs = Math.min(2 * retryMs, LAST_RETRY_MS)) {
      try {
        await this.follow(publisher, signal, () => { retryMs = FIRST_RETRY_MS; });
      } catch (error) {
        if (signal.aborted) return;
        // Once for each kind: it tries every few seconds.
        const kind = kindOf(error);
        if (kind !== this.failing) log?.error({ err: error }, 'The relay cannot publish and keeps trying');
        this.failing = kind;
        await pause(retryMs, signal);
      }
    }
  }

  private async follow(publisher: Publisher, signal: AbortSignal, progressed: () => void): Promise<void> {
    const { store, checkpoints, batchSize = BATCH_SIZE } = this.options;
    const done = new AbortController();
    try {
      await publisher.publish([]);
      let checkpoint = await this.beginning();
      void this.watch(() => checkpoint, done, signal);
      const items = store.subscribeAll({ after: checkpoint?.position, signal: AbortSignal.any([signal, done.signal]) });
      for await (const batch of batches(items, itemsUpTo(batchSize))) {
        const read = batch.flatMap((item) => (item.kind === 'event' ? [item.event] : []));
        const events = read.filter(isDomainEvent);
        await publisher.publish(events.map(integrationEvent));
        const last = read.at(-1);
        const reached = last && { position: last.position, eventId: last.metadata.eventId };
        if (reached && !await checkpoints.advance(RELAY, checkpoint, reached, events.length)) {
          throw new Error('Another relay moved the checkpoint');
        }
        checkpoint = reached ?? checkpoint;
        this.recovered();
        progressed();
      }
    } finally {
      done.abort();
    }
  }

  /** Where to go on; at the beginning where the log has no such place. */
  private async beginning(): Promise<Checkpoint | undefined> {
    const { store, checkpoints, log } = this.options;
    const checkpoint = await checkpoints.load(RELAY);
    if (!checkpoint || await isInLog(store, checkpoint)) return checkpoint;
    log?.error({}, 'The event store is another one, or no longer has what was published last: '
      + 'the relay publishes all of it again');
    if (!await checkpoints.advance(RELAY, checkpoint, undefined)) throw new Error('Another relay moved the checkpoint');
    return undefined;
  }

  /** Ends the reading where the log no longer has what was published last: also while nothing is written. */
  private async watch(checkpoint: () => Checkpoint | undefined, done: AbortController, running: AbortSignal): Promise<void> {
    const signal = AbortSignal.any([done.signal, running]);
    while (!signal.aborted) {
      await pause(LOOK_EVERY_MS, signal);
      const published = checkpoint();
      // An outage is noticed by the one who reads.
      const stands = signal.aborted || !published || await isInLog(this.options.store, published).catch(() => true);
      if (!stands) done.abort();
    }
  }

  private recovered(): void {
    if (this.failing !== undefined) this.options.log?.info('The relay publishes again');
    this.failing = undefined;
  }
}

function kindOf(error: unknown): string {
  if (!(error instanceof Error)) return typeof error;
  return `${error.name} ${String((error as { code?: unknown }).code ?? '')}`;
}

/** Streams that start with `$` are the store's own. */
const isDomainEvent = (event: RecordedEvent): boolean => !event.stream.startsWith('$');
