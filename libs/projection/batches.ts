/**
 * Groups what an iterable has ready, without waiting for more: one item while little is happening, up to `max` under load.
 * At most `max` items are held ahead of the consumer.
 */
export async function* batches<T>(source: AsyncIterable<T>, max: number): AsyncGenerator<T[]> {
  const queue: T[] = [];
  let ended = false;
  let failure: unknown;
  let wakeConsumer = (): void => undefined;
  let wakeProducer = (): void => undefined;

  const pump = (async () => {
    try {
      for await (const item of source) {
        if (ended) break;
        queue.push(item);
        wakeConsumer();
        if (queue.length >= max) await new Promise<void>((resolve) => { wakeProducer = resolve; });
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
      if (queue.length === 0 && !ended) await new Promise<void>((resolve) => { wakeConsumer = resolve; });
      if (queue.length > 0) {
        const batch = queue.splice(0, max);
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
