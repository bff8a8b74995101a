import { mkdir } from 'node:fs/promises';
import type { Config } from '@peerbridge/platform';
import { startApi, type RunningApi } from '../api/api.js';
import { runProcess, unlessAborted, type Running } from '../process.js';
import { startProjector } from '../projector/projector.js';
import { startRelay } from '../relay/relay.js';
import { openSystem } from '../system.js';
import { describeDevelopment, describeSystem, DevFile } from './dev-file.js';
import { registerFixtureOrganizations } from './fixture.js';

/** The first view is empty; one of another release, or after a restore, is made before it answers. */
const FIRST_VIEW_WITHIN_MS = 10 * 60_000;

await runProcess(start);

/** The whole system in one process. */
async function start(config: Config, signal: AbortSignal): Promise<Running> {
  await mkdir(config.dataDir, { recursive: true }).catch(({ code }: NodeJS.ErrnoException) => {
    throw new Error(`${config.dataDir} cannot be used as a folder (${code}): set DATA_DIR to another one`);
  });
  const devFile = new DevFile(config.dataDir);
  await devFile.clear();
  const system = await openSystem(config, 'standalone', { signal });
  const projector = startProjector(system);
  const relay = startRelay(system);
  const stopBackground = async () => {
    await Promise.all([projector.stop(), relay.stop()]);
    await system.close();
  };
  let api: RunningApi | undefined;
  try {
    api = await startApi(system, { relayFails: () => relay.status().status === 'down' });
    await unlessAborted(signal, api.answering.trust.established(FIRST_VIEW_WITHIN_MS));
    if (config.environment !== 'production') {
      await unlessAborted(signal, registerFixtureOrganizations(api.answering.executor));
      const { address, issuer } = api;
      const development = issuer ? await describeDevelopment(address, issuer, config) : describeSystem(address, config);
      await devFile.write(development);
      process.stdout.write(welcome(development));
    }
  } catch (error) {
    await api?.stop();
    await stopBackground();
    throw error;
  }
  const answering = api;
  return {
    failed: Promise.race([projector.failed, relay.failed]),
    async stop() {
      await devFile.remove();
      await answering.stop();
      await stopBackground();
    },
  };
}

function welcome({ graphql, explorer, ...cast }: { graphql: string; explorer: string; tokens?: Record<string, string> }): string {
  const tokens = Object.entries(cast.tokens ?? {}).map(([role, token]) => `  ${role.padEnd(14)} ${token}`);
  return [
    '', 'Peerbridge is running.', `  GraphQL        ${graphql}`, `  Explorer       ${explorer}`, '',
    ...(tokens.length > 0 ? ['A token per role:', ...tokens, ''] : []), 'Stop with Ctrl-C.', '',
  ].join('\n');
}
