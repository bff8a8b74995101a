import { Projector } from '@peerbridge/projection';
import type { Running } from '../process.js';
import type { System } from '../system.js';

export interface RunningProjector extends Running {
  status: Projector['status'];
}

/** Event store → read model. Several may run: one holds the lease, the others stand by. */
export function startProjector({ store, database, connect, view, codec, log, metrics }: System): RunningProjector {
  const ended = new AbortController();
  const projector = new Projector({
    store, pool: database.pool, connect, view, codec, log,
    observe: ({ stoppedParticipants }) => metrics.projectionStopped.set(stoppedParticipants),
  });
  const run = projector.run(ended.signal).catch((error: unknown) => log.fatal({ err: error }, 'The projector ended'));
  return {
    get status() {
      return projector.status;
    },
    async stop() {
      ended.abort();
      await run;
    },
  };
}
