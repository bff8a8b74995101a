import { mkdir } from 'node:fs/promises';
import type { Config } from '@peerbridge/platform';
import { startApi } from '../api/api.js';
import { runProcess, type Running } from '../process.js';
import { startProjector } from '../projector/projector.js';
import { startRelay } from '../relay/relay.js';
import { openSystem } from '../system.js';
import { describeDevelopment, removeDevFile, writeDevFile } from './dev-file.js';
import { registerFixtureOrganizations } from './fixture.js';

/** The first view is empty; one of another release is rebuilt before it answers. */
const FIRST_VIEW_WITHIN_MS = 10 * 60_000;

await runProcess(start);

/** The whole system in one process. */
async function start(config: Config): Promise<Running> {
  await mkdir(config.dataDir, { recursive: true }).catch(({ code }: NodeJS.ErrnoException) => {
    throw new Error(`${config.dataDir} cannot be used as a folder (${code}): set DATA_DIR to another one`);
  });
  await removeDevFile(config.dataDir);
  const system = await openSystem(config, 'standalone');
  const projector = startProjector(system);
  const relay = startRelay(system);
  const stopBackground = async () => {
    await Promise.all([projector.stop(), relay.stop()]);
    await system.close();
  };
  try {
    const api = await startApi(system, {
      health: {
        relay: () => {
          const { status, enabled } = relay.status();
          return { status: status === 'down' ? 'down' : 'up', enabled };
        },
      },
    });
    await api.answering.shared.available(FIRST_VIEW_WITHIN_MS);
    if (api.issuer) {
      await registerFixtureOrganizations(api.answering.executor);
      const development = await describeDevelopment(api.address, api.issuer, config);
      await writeDevFile(config.dataDir, development);
      process.stdout.write(welcome(development));
    }
    return {
      async stop() {
        await removeDevFile(config.dataDir);
        await api.stop();
        await stopBackground();
      },
    };
  } catch (error) {
    await stopBackground();
    throw error;
  }
}

function welcome({ graphql, explorer, tokens }: { graphql: string; explorer: string; tokens: Record<string, string> }): string {
  const lines = Object.entries(tokens).map(([role, token]) => `  ${role.padEnd(14)} ${token}`);
  return [
    '', 'Peerbridge is running.', `  GraphQL        ${graphql}`, `  Explorer       ${explorer}`, '',
    'A token per role:', ...lines, '', 'Stop with Ctrl-C.', '',
  ].join('\n');
}
