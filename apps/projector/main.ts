import { runProcess } from '../process.js';
import { openSystem } from '../system.js';
import { startProjector } from './projector.js';

await runProcess(async (config) => {
  const system = await openSystem(config, 'projector');
  const projector = startProjector(system);
  system.log.info('The projector runs');
  return {
    async stop() {
      await projector.stop();
      await system.close();
    },
  };
});
