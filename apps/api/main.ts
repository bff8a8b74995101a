import { runProcess } from '../process.js';
import { openSystem } from '../system.js';
import { startApi } from './api.js';

await runProcess(async (config) => {
  const system = await openSystem(config, 'api');
  const api = await startApi(system);
  system.log.info({ address: api.address }, 'The API answers');
  return {
    async stop() {
      await api.stop();
      await system.close();
    },
  };
});
