import { randomInt } from 'node:crypto';
import { Random } from './random.js';

/** How many rounds of chance a test plays: five, or as `npm run test:faults -- --rounds N` says. */
export const faultRounds = Number(process.env['PEERBRIDGE_FAULT_ROUNDS'] ?? 5);

/** Chance for one spec file. Its seed is printed; `npm run test:faults -- --seed S` plays it again. */
export function seededChance(what: string): Random {
  const seed = Number(process.env['PEERBRIDGE_FAULT_SEED'] ?? randomInt(2 ** 31));
  process.stderr.write(`${what}: ${faultRounds} rounds, seed ${seed}\n`);
  return new Random(seed);
}
