import { removeTestDataDir } from './test-data-dir.mjs';

export default async function globalTeardown() {
  const dataDir = process.env.PEERBRIDGE_TEST_DATA_DIR;
  if (dataDir) await removeTestDataDir(dataDir);
}
