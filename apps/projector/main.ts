import { runProcess } from '../process.js';
import { openSystem } from '../system.js';
import { startProjector } from './projector.js';

await runProcess(async (config, signal) => {
  const system = await openSystem(config, 'projector', { signal });
  const projector = startProjector(system);
  system.log.info('The projector runs');
  return {
    failed: projector.failed,
    async stop() {
      await projector.stop();
      await system.close();
    },
  };
});
