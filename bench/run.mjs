/** `npm run bench -- [name ...]`: measurements side by side (none named: all). Builds what it runs into `.cache/bench`. */
import { spawnSync } from 'node:child_process';
import { rm } from 'node:fs/promises';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { ensureInstalled, root } from '../scripts/prepare.mjs';

const all = ['appends', 'commands', 'view', 'dearest', 'timing', 'visible', 'rebuild', 'relay'];
const names = process.argv.slice(2);
const unknown = names.filter((name) => !all.includes(name));
if (unknown.length > 0) {
  process.stderr.write(`No such measurement: ${unknown.join(', ')}. There are: ${all.join(', ')}\n`);
  process.exit(2);
}

await ensureInstalled();
const folder = path.join(root, '.cache', 'bench');
await rm(folder, { recursive: true, force: true });
const swc = path.join(root, 'node_modules', '@swc', 'cli', 'bin', 'swc.js');
const args = [
  'apps', 'libs', 'bench', 'test/support', '--out-dir', folder, '--config-file', '.swcrc', '--ignore', '**/*.spec.ts', '--quiet',
  '--copy-files',
];
const built = spawnSync(process.execPath, [swc, ...args], { cwd: root, stdio: 'inherit' });
if (built.status !== 0) process.exit(1);

for (const name of names.length > 0 ? names : all) {
  const { run } = await import(pathToFileURL(path.join(folder, 'bench', `${name}.js`)).href);
  await run();
}
