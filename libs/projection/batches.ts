import { memoryOf, type SubscriptionItem } from '@peerbridge/event-store';

export interface BatchLimits<T> {
  items: number;
  /** Together; one item alone may be larger. */
  bytes: number;
  bytesOf(item: T): number;
}

/** Batches of a subscription to the log. */
export const itemsUpTo = (items: number): BatchLimits<SubscriptionItem> => ({
  items, bytes: 8 * 1_048_576, bytesOf: (item) => (item.kind === 'event' ? memoryOf(item.event) : 0),
});

/**
 * Groups what an iterable has ready, without waiting for more: one item while little is happening, up to the limits under
 * load. No more than one batch is held ahead of the consumer.
 */
export async function* batches<T>(source: AsyncIterable<T>, limits: BatchLimits<T>): AsyncGenerator<T[]> {
  let ready: T[] = [];
  let bytes = 0;
  let ended = false;
  let failure: unknown;
  let wakeConsumer = (): void => undefined;
  let wakeProducer = (): void => undefined;
  const taken = () => new Promise<void>((resolve) => { wakeProducer = resolve; });

  const pump = (async () => {
    try {
      for await (const item of source) {
        if (ended) break;
        const itsBytes = limits.bytesOf(item);
        if (ready.length > 0 && bytes + itsBytes > limits.bytes) await taken();
        if (ended) break;
        ready.push(item);
        bytes += itsBytes;
        wakeConsumer();
        if (ready.length >= limits.items) await taken();
      }
    } catch (error) {
      failure = error;
    } finally {
      ended = true;
      wakeConsumer();
    }
  })();

  try {
    for (;;) {
      if (ready.length === 0 && !ended) await new Promise<void>((resolve) => { wakeConsumer = resolve; });
      if (ready.length > 0) {
        const batch = ready;
        ready = [];
        bytes = 0;
        wakeProducer();
        yield batch;
      } else if (ended) {
        if (failure) throw failure;
        return;
      }
    }
  } finally {
    ended = true;
    wakeProducer();
    void pump;
  }
}

/** The same of a source that is read to its end: batches are as large as the limits let them be. */
export async function* fullBatches<T>(source: AsyncIterable<T>, limits: BatchLimits<T>): AsyncGenerator<T[]> {
  let batch: T[] = [];
  let bytes = 0;
  for await (const item of source) {
    const itsBytes = limits.bytesOf(item);
    if (batch.length >= limits.items || (batch.length > 0 && bytes + itsBytes > limits.bytes)) {
      yield batch;
      batch = [];
      bytes = 0;
    }
    batch.push(item);
    bytes += itsBytes;
  }
  if (batch.length > 0) yield batch;
}
