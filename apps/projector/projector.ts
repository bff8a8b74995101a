import { Projector } from '@peerbridge/projection';
import { failureOf, stopped, type Running } from '../process.js';
import type { System } from '../system.js';

export interface RunningProjector extends Running {
  status: Projector['status'];
  failed: Promise<never>;
}

/** Event store → read model. Several may run: one holds the lease, the others stand by. */
export function startProjector({ store, database, connect, view, codec, log }: System): RunningProjector {
  const ended = new AbortController();
  const projector = new Projector({ store, pool: database.pool, patient: database.patient, connect, view, codec, log });
  const run = projector.run(ended.signal);
  return {
    get status() {
      return projector.status;
    },
    failed: failureOf('The projector', run, log),
    async stop() {
      ended.abort();
      await stopped(run);
    },
  };
}
