import { lastPosition, type EventStore, type RecordedEvent, type SubscriptionItem } from '@peerbridge/event-store';
import { batches, pause, type CheckpointStore } from '@peerbridge/projection';
import { integrationEvent } from './integration-event.js';
import type { Publisher } from './publisher.js';

const CONSUMER = 'relay';
const BATCH_SIZE = 1_000;
/** After an error, before the next try; doubled up to the second number. */
const FIRST_RETRY_MS = 100;
const LAST_RETRY_MS = 5_000;

export interface RelayOptions {
  store: Pick<EventStore, 'subscribeAll'>;
  /** Without one the relay is off. */
  publisher?: Publisher;
  checkpoints: CheckpointStore;
  /** Events to one publish at most. */
  batchSize?: number;
  metrics?: { relayLag: { set(events: number): void }; relayPublished: { inc(events: number): void } };
  log?: { info(text: string): void; error(fields: object, text: string): void };
}

export interface RelayStatus {
  /** A relay that stands by for its lease is up: nothing fails. */
  status: 'up' | 'down' | 'off';
  enabled: boolean;
  /** Events seen and not yet acknowledged; more may wait in the store while the relay catches up. */
  lagEvents: number;
  /** Since this process started, repetitions included. */
  publishedTotal: number;
}

/**
 * Publishes every event of the log, at least once; the first occurrences of a key's events are in order. The checkpoint
 * moves after the broker's acknowledgement, and whatever goes wrong, the relay goes back to it: so all that is ever sent
 * comes right after what was acknowledged.
 */
export class Relay {
  private failing = false;
  private publishedTotal = 0;
  private unacknowledged = 0;

  constructor(private readonly options: RelayOptions) {}

  status(): RelayStatus {
    const enabled = this.options.publisher !== undefined;
    return {
      status: !enabled ? 'off' : this.failing ? 'down' : 'up',
      enabled,
      lagEvents: this.unacknowledged,
      publishedTotal: this.publishedTotal,
    };
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
        if (!this.failing) log?.error({ err: error }, 'The relay cannot publish and keeps trying');
        this.failing = true;
        await pause(retryMs, signal);
      }
    }
  }

  private async follow(publisher: Publisher, signal: AbortSignal, progressed: () => void): Promise<void> {
    const { store, checkpoints, batchSize = BATCH_SIZE } = this.options;
    const done = new AbortController();
    try {
      await publisher.publish([]);
      let checkpoint = await checkpoints.load(CONSUMER);
      this.lag(-this.unacknowledged);
      const following = AbortSignal.any([signal, done.signal]);
      const items = store.subscribeAll({ after: checkpoint, signal: following });
      for await (const batch of batches(this.counted(items, following), batchSize)) {
        const events = batch.flatMap((item) => (item.kind === 'event' ? [item.event] : []));
        await publisher.publish(events.filter(isDomainEvent).map(integrationEvent));
        const reached = lastPosition(batch);
        if (reached !== undefined && !await checkpoints.advance(CONSUMER, checkpoint, reached)) {
          throw new Error('Another relay moved the checkpoint');
        }
        checkpoint = reached ?? checkpoint;
        this.acknowledged(events.length);
        this.recovered();
        progressed();
      }
    } finally {
      done.abort();
    }
  }

  private async *counted(items: AsyncIterable<SubscriptionItem>, following: AbortSignal): AsyncGenerator<SubscriptionItem> {
    for await (const item of items) {
      if (item.kind === 'event' && !following.aborted) this.lag(1);
      yield item;
    }
  }

  private acknowledged(events: number): void {
    this.publishedTotal += events;
    this.options.metrics?.relayPublished.inc(events);
    this.lag(-events);
  }

  private lag(change: number): void {
    this.unacknowledged += change;
    this.options.metrics?.relayLag.set(this.unacknowledged);
  }

  private recovered(): void {
    if (this.failing) this.options.log?.info('The relay publishes again');
    this.failing = false;
  }
}

/** Streams that start with `$` are the store's own. */
const isDomainEvent = (event: RecordedEvent): boolean => !event.stream.startsWith('$');
