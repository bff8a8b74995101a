import { makeTestDataDir, removeTestDataDir } from './test-data-dir.mjs';

/** Jest runs this once, before its workers start: they inherit the environment. */
export default async function globalSetup() {
  const dataDir = await makeTestDataDir();
  process.env.PEERBRIDGE_TEST_DATA_DIR = dataDir;
  // What a test puts into the system's folder for temporary files goes with it, too.
  process.env.TMPDIR = dataDir;
  // Jest does not tear down when it is interrupted.
  for (const signal of ['SIGINT', 'SIGTERM']) {
    process.once(signal, () => { void removeTestDataDir(dataDir).finally(() => process.exit(1)); });
  }
}
