import { buildForTests } from '../../scripts/prepare.mjs';

/**
 * The product, compiled: for tests that start it, or a part of it, in a process of its own.
 * @returns the folder, with `apps/<name>/main.js` and `libs/<name>/index.js` in it
 */
export function compiledDist(): Promise<string> {
  return buildForTests();
}
