/** `npm run test:faults -- [--rounds N] [--seed S] [what Jest takes]`: the tests of chance, as often as asked. */
import { parseArgs } from 'node:util';

const { values, positionals } = parseArgs({
  options: { rounds: { type: 'string' }, seed: { type: 'string' } }, allowPositionals: true,
});
for (const [option, value] of Object.entries(values)) {
  if (!/^\d{1,10}$/.test(value)) {
    process.stderr.write(`--${option} must be a whole number\n`);
    process.exit(2);
  }
}
if (values.rounds) process.env.PEERBRIDGE_FAULT_ROUNDS = values.rounds;
if (values.seed) process.env.PEERBRIDGE_FAULT_SEED = values.seed;
process.argv.splice(2, Infinity, ...(positionals.length > 0 ? positionals : ['test/faults']));
await import('./test.mjs');
