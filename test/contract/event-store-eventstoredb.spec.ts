import { describe } from '@jest/globals';
import { eventStoreContract } from '../../libs/event-store/contract.js';
import { openEventStoreDb } from '../../libs/event-store/eventstoredb/index.js';
import { startEventStoreDouble } from '../support/eventstoredb-double.js';

eventStoreContract('EventStoreDB (protocol double)', async () => {
  const server = await startEventStoreDouble();
  const open = () => openEventStoreDb(server);
  const store = await open();
  return {
    store,
    another: open,
    killServer: server.kill,
    restartServer: server.restart,
    close: async () => {
      await store.close();
      await server.close();
    },
  };
});

const connectionString = process.env.EVENTSTOREDB_URL;
if (connectionString) {
  eventStoreContract('EventStoreDB', async () => {
    const store = await openEventStoreDb({ connectionString });
    return { store, another: () => openEventStoreDb({ connectionString }), close: () => store.close() };
  }, { canKillServer: false });
} else {
  describe.skip('EventStoreDB, as an event store: set EVENTSTOREDB_URL to run this over a real server', () => {});
}
