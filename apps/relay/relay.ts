import { Relay } from '@peerbridge/messaging';
import { KafkaPublisher } from '@peerbridge/messaging/kafka';
import { PostgresCheckpointStore, withLease } from '@peerbridge/projection';
import { failureOf, stopped, type Running } from '../process.js';
import type { System } from '../system.js';

export interface RunningRelay extends Running {
  status(): ReturnType<Relay['status']>;
  failed: Promise<never>;
}

/** Event store → Kafka. Several may run: one holds the lease. Without brokers it is off, and says so. */
export function startRelay({ config, store, database, connect, log }: System): RunningRelay {
  const ended = new AbortController();
  const publisher = config.kafkaBrokers && new KafkaPublisher({ brokers: config.kafkaBrokers, log });
  const relay = new Relay({ store, publisher, checkpoints: new PostgresCheckpointStore(database.pool), log });
  const run = publisher ? withLease(connect, 'relay', ended.signal, (held) => relay.run(held)) : relay.run(ended.signal);
  return {
    status: () => relay.status(),
    failed: failureOf('The relay', run, log),
    async stop() {
      ended.abort();
      // What waits for a silent broker was not acknowledged, and is sent again by whoever is next.
      await stopped(run.then(() => publisher?.close()));
    },
  };
}
