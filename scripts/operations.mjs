/** `npm run test:operations -- [--count N] [--seed S]`: random operations, compiled and plain, as many as asked. */
import { parseArgs } from 'node:util';

const { values } = parseArgs({ options: { count: { type: 'string' }, seed: { type: 'string' } } });
for (const [option, value] of Object.entries(values)) {
  if (!/^\d{1,10}$/.test(value)) {
    process.stderr.write(`--${option} must be a whole number\n`);
    process.exit(2);
  }
}
if (values.count) process.env.PEERBRIDGE_OPERATIONS_COUNT = values.count;
if (values.seed) process.env.PEERBRIDGE_OPERATIONS_SEED = values.seed;
process.argv.splice(2, Infinity, 'test/journeys/compiled-operations');
await import('./test.mjs');
