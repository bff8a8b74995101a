import { makeTestDataDir, removeTestDataDir } from './test-data-dir.mjs';

/** Jest runs this once, before its workers start: they inherit the environment. */
export default async function globalSetup() {
  const dataDir = await makeTestDataDir();
  process.env.PEERBRIDGE_TEST_DATA_DIR = dataDir;
  // Jest does not tear down when it is interrupted.
  for (const signal of ['SIGINT', 'SIGTERM']) {
    process.once(signal, () => { void removeTestDataDir(dataDir).finally(() => process.exit(1)); });
  }
}
