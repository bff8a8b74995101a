import { runProcess, unlessAborted } from '../process.js';
import { openSystem } from '../system.js';
import { startApi } from './api.js';

await runProcess(async (config, signal) => {
  const system = await openSystem(config, 'api', { signal });
  try {
    const api = await unlessAborted(signal, startApi(system));
    system.log.info({ address: api.address }, 'The API answers');
    return {
      async stop() {
        await api.stop();
        await system.close();
      },
    };
  } catch (error) {
    await system.close();
    throw error;
  }
});
