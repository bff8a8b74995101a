/**
 * `npm run test:node-versions [-- 22 24]`: the built product under other versions of Node, which the npm package `node`
 * carries: it starts, takes a command, answers a query and stops cleanly.
 */
import { execFileSync, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { buildForTests, ensureInstalled } from './prepare.mjs';

const START_WITHIN_MS = 120_000;
const versions = process.argv.length > 2 ? process.argv.slice(2) : ['22', '24'];

await ensureInstalled();
const main = path.join(await buildForTests(), 'apps', 'standalone', 'main.js');
const folder = await mkdtemp(path.join(tmpdir(), 'peerbridge-node-versions-'));
try {
  for (const version of versions) await smoke(version);
} finally {
  await rm(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 });
}

async function smoke(version) {
  const node = await binaryOf(version);
  const exact = execFileSync(node, ['--version'], { encoding: 'utf8' }).trim();
  const dataDir = path.join(folder, `data-${version}`);
  const { PATH, HOME, USER, TMPDIR, LANG } = process.env;
  const system = spawn(node, [main], {
    env: { PATH, HOME, USER, TMPDIR, LANG, DATA_DIR: dataDir, PORT: '0', LOG_LEVEL: 'warn' },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const ended = once(system, 'exit');
  try {
    const dev = await ready(system, path.join(dataDir, 'dev.json'));
    const participantId = randomUUID();
    const { enrollParticipant } = await ask(dev, `mutation($input: EnrollParticipantInput!) {
      enrollParticipant(input: $input) { position } }`,
    { input: { commandId: randomUUID(), participantId, preferredName: 'Jo', language: 'en' } });
    const see = 'query($id: ID!, $at: String) { participant(id: $id, atLeast: $at) { preferredName } }';
    const { participant } = await ask(dev, see, {
      id: participantId, at: enrollParticipant.position,
    });
    if (participant?.preferredName !== 'Jo') throw new Error(`Not the answer: ${JSON.stringify(participant)}`);
  } finally {
    system.kill('SIGTERM');
    await ended;
  }
  if (system.exitCode !== 0) throw new Error(`Node ${exact}: exit code ${system.exitCode} after SIGTERM`);
  process.stdout.write(`Node ${exact}: started, took a command, answered a query, stopped\n`);
}

/** The package brings the binary in a package of its own for each platform. */
async function binaryOf(version) {
  const prefix = path.join(folder, `node-${version}`);
  const { platform, arch } = process;
  const npm = ['install', '--prefix', prefix, '--no-audit', '--no-fund', '--loglevel=error', `node@${version}`];
  execFileSync('npm', npm, { cwd: folder, stdio: ['ignore', 2, 2], shell: platform === 'win32' });
  const own = path.join(prefix, 'node_modules', 'node', 'bin', platform === 'win32' ? 'node.exe' : 'node');
  const parts = path.join(prefix, 'node_modules', `node-${platform === 'win32' ? 'win' : platform}-${arch}`, 'bin');
  const candidates = [own, path.join(parts, path.basename(own))];
  for (const file of candidates) {
    try {
      execFileSync(file, ['--version'], { stdio: 'ignore' });
      return file;
    } catch {
      // npm may not have run the script that links the one to the other.
    }
  }
  throw new Error(`The package node@${version} holds no binary for ${platform} ${arch}`);
}

async function ready(system, file) {
  for (const deadline = Date.now() + START_WITHIN_MS; Date.now() < deadline; await delay(50)) {
    const text = await readFile(file, 'utf8').catch(() => undefined);
    if (text) return JSON.parse(text);
    if (system.exitCode !== null || system.signalCode !== null) {
      throw new Error(`It ended with ${system.exitCode ?? system.signalCode}`);
    }
  }
  throw new Error('It did not become ready');
}

async function ask(dev, query, variables) {
  const response = await fetch(dev.graphql, {
    method: 'POST', body: JSON.stringify({ query, variables }),
    headers: { 'content-type': 'application/json', authorization: `Bearer ${dev.tokens.peer}` },
  });
  const { data, errors } = await response.json();
  if (errors) throw new Error(JSON.stringify(errors));
  return data;
}
