import { rename, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { z } from 'zod';
import { demoId, newOrganizations, workers } from './cast.js';
import { guide } from './guide.js';
import { audiencesOf, lifeOf, type Life } from './life.js';
import { RunningSystem } from './running-system.js';
import { yearOf } from './story.js';
import { beginningOfYear } from './time.js';

const USAGE = 'usage: npm run demo [-- --seed N] [--people N]   (seed: 0 to 2147483647; people: 1 to 500)';
/** How many people's years are told at once. */
const TOLD_AT_ONCE = 8;

const wholeNumber = (from: number, to: number, preset: number) =>
  z.string().regex(/^\d+$/).transform(Number).pipe(z.number().min(from).max(to)).default(preset);
const options = z.object({ seed: wholeNumber(0, 2 ** 31 - 1, 1), people: wholeNumber(1, 500, 48) });

process.exitCode = await main();

/** Plays the year of a recovery community center. Command ids follow from the seed: a repeat changes nothing. */
async function main(): Promise<number> {
  const given = optionsGiven();
  if (!given.success) {
    process.stderr.write(`${USAGE}\n`);
    return 2;
  }
  try {
    await play(given.data, process.env['DATA_DIR']?.trim() || '.data');
    return 0;
  } catch (error) {
    process.stderr.write(`demo: ${error instanceof Error ? error.message : String(error)}\n`);
    return 1;
  }
}

function optionsGiven() {
  try {
    return options.safeParse(parseArgs({ options: { seed: { type: 'string' }, people: { type: 'string' } } }).values);
  } catch {
    return options.safeParse(null);
  }
}

async function play({ seed, people }: z.output<typeof options>, dataDir: string): Promise<void> {
  const system = await RunningSystem.find(dataDir);
  const startedAt = performance.now();
  let commands = 0;
  for (const { id, ...organization } of Object.values(newOrganizations)) {
    const input = { organizationId: id, ...organization };
    const step = { as: workers.privacyOfficer, mutation: 'registerOrganization', input };
    await system.send(step, demoId(`register ${organization.name}`));
    commands += 1;
  }
  const lives = Array.from({ length: people }, (_, index) => lifeOf(seed, index));
  const untold = lives.values();
  await Promise.all(Array.from({ length: TOLD_AT_ONCE }, async () => {
    for (const life of untold) {
      const told = await tell(life, system);
      commands += told;
    }
  }));

  const participants = await Promise.all(lives.map(async (life) =>
    ({ id: life.participantId, tokens: await tokensAround(life, system) })));
  const path = join(dataDir, 'demo.json');
  await writeFile(`${path}.new`, `${JSON.stringify({ seed, participants }, null, 2)}\n`, { mode: 0o600 });
  await rename(`${path}.new`, path);

  const seconds = (performance.now() - startedAt) / 1000;
  process.stdout.write(guide({ lives, commands, seconds, path: resolve(path), ...system.addresses }));
}

/** Returns the number of commands. Each is sent when the one before was answered. */
async function tell(life: Life, system: RunningSystem): Promise<number> {
  const enrolledAt = await system.enrolledAt(life.person, life.participantId) ?? beginningOfYear(new Date());
  const story = yearOf(life, enrolledAt);
  let told = 0;
  for (let next = story.next(); !next.done; told += 1) {
    next = story.next(await system.send(next.value, demoId(`${life.seed}/${life.index}/${told}`)));
  }
  return told;
}

async function tokensAround(life: Life, system: RunningSystem): Promise<Record<string, string>> {
  const audiences = Object.entries(audiencesOf(life));
  return Object.fromEntries(await Promise.all(audiences.map(async ([role, one]) => [role, await system.tokenOf(one)] as const)));
}
