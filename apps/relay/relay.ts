import { Relay } from '@peerbridge/messaging';
import { KafkaPublisher } from '@peerbridge/messaging/kafka';
import { PostgresCheckpointStore, withLease } from '@peerbridge/projection';
import type { Running } from '../process.js';
import type { System } from '../system.js';

export interface RunningRelay extends Running {
  status(): ReturnType<Relay['status']>;
}

/** Event store → Kafka. Several may run: one holds the lease. Without brokers it is off, and says so. */
export function startRelay({ config, store, database, connect, log, metrics }: System): RunningRelay {
  const ended = new AbortController();
  const publisher = config.kafkaBrokers && new KafkaPublisher({ brokers: config.kafkaBrokers, log });
  const relay = new Relay({ store, publisher, checkpoints: new PostgresCheckpointStore(database.pool), metrics, log });
  const run = (publisher ? withLease(connect, 'relay', ended.signal, (held) => relay.run(held)) : relay.run(ended.signal))
    .catch((error: unknown) => log.fatal({ err: error }, 'The relay ended'));
  return {
    status: () => relay.status(),
    async stop() {
      ended.abort();
      await run;
      await publisher?.close();
    },
  };
}
