import { runProcess } from '../process.js';
import { openSystem } from '../system.js';
import { startRelay } from './relay.js';

await runProcess(async (config, signal) => {
  const system = await openSystem(config, 'relay', { signal });
  const relay = startRelay(system);
  system.log.info(relay.status().enabled ? 'The relay runs' : 'The relay is off');
  return {
    failed: relay.failed,
    async stop() {
      await relay.stop();
      await system.close();
    },
  };
});
