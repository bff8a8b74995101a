import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { firstAudiences, firstQuery } from '../apps/demo/guide.js';
import { compiledDist } from './support/run-typescript.js';
import { later } from './support/story.js';
import { startSystem, type TestSystem } from './support/system.js';

const PEOPLE = 3;

let system: TestSystem;
beforeAll(async () => { system = await startSystem(); }, 90_000);
afterAll(async () => { await system.stop(); }, 30_000);

/** Runs the demo on the first few people. @param args more of the command line */
async function demo(args: readonly string[] = [], dataDir = system.dataDir) {
  const main = path.join(await compiledDist(), 'apps', 'demo', 'main.js');
  const child = spawn(process.execPath, [main, '--people', String(PEOPLE), ...args], {
    env: { PATH: process.env.PATH, DATA_DIR: dataDir }, stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => { output += chunk.toString(); });
  const ended = once(child, 'close').then(() => ({ exitCode: child.exitCode, output }));
  return { child, ended };
}

async function commands(outcome: 'accepted' | 'repeated'): Promise<number> {
  const text = await (await fetch(system.dev.metrics)).text();
  const counts = text.matchAll(new RegExp(`^peerbridge_commands_total\\{.*outcome="${outcome}"\\} (\\d+)$`, 'gm'));
  return [...counts].reduce((sum, [, count]) => sum + Number(count), 0);
}

interface DemoFile {
  participants: { id: string; tokens: Record<string, string> }[];
}

const demoFile = async (): Promise<DemoFile> =>
  JSON.parse(await readFile(path.join(system.dataDir, 'demo.json'), 'utf8')) as DemoFile;

const jwt = expect.stringMatching(/^[\w-]+\.[\w-]+\.[\w-]+$/);

describe('the demo', () => {
  it('that is killed midway goes on where it was, and once more changes nothing', async () => {
    const interrupted = await demo();
    while (await commands('accepted') < 100) await delay(10);
    interrupted.child.kill('SIGKILL');
    await interrupted.ended;
    await expect(demoFile()).rejects.toThrow('ENOENT');

    expect(await (await demo()).ended).toMatchObject({ exitCode: 0 });
    const accepted = await commands('accepted');
    const repeated = await commands('repeated');
    expect(repeated).toBeGreaterThanOrEqual(100);

    expect(await (await demo()).ended).toMatchObject({ exitCode: 0 });
    expect(await commands('accepted')).toBe(accepted);
    expect(await commands('repeated')).toBe(repeated + accepted);
  });

  it('leaves a token for each person and audience, for nobody else to read', async () => {
    const { participants } = await demoFile();
    expect(participants).toHaveLength(PEOPLE);
    for (const { tokens } of participants) expect(tokens).toMatchObject({ person: jwt, peer: jwt, clinician: jwt });
    expect((await stat(path.join(system.dataDir, 'demo.json'))).mode & 0o777).toBe(0o600);
  });

  it('gives everyone a year, of which nothing lies in the future', async () => {
    for (const { id, tokens } of (await demoFile()).participants) {
      const { participant } = await system.as(tokens.person!).query<{ participant: { timeline: Timeline } }>(`query($id: ID!) {
        participant(id: $id) { timeline(first: 100) { totalCount edges { node { occurredAt recordedAt } } } }
      }`, { id });
      expect(participant.timeline.totalCount).toBeGreaterThan(50);
      for (const { node } of participant.timeline.edges) expect(node.occurredAt <= node.recordedAt).toBe(true);
    }
  });

  it('enters the year late: consents were signed at the enrollment, and everything has a date of that year', async () => {
    for (const { id, tokens } of (await demoFile()).participants) {
      const { participant: { enrollment, grants, all } } = await system.as(tokens.person!).query<{
        participant: Record<'enrollment' | 'all', Timeline> & {
          grants: Timeline<{ signedAt: string; effectiveFrom: string }>;
        };
      }>(`query($id: ID!) { participant(id: $id) {
        enrollment: timeline(filter: { types: ["ParticipantEnrolled"] }) { edges { node { occurredAt recordedAt } } }
        all: timeline(first: 100) { edges { node { occurredAt recordedAt } } }
        grants: timeline(filter: { types: ["ConsentGranted"] }) {
          edges { node { occurredAt recordedAt node { ... on Consent { signedAt effectiveFrom } } } }
        } } }`, { id });
      const [{ node: enrolled }] = enrollment.edges as [Timeline['edges'][0]];
      expect(grants.edges.length).toBeGreaterThan(1);
      for (const { node: { occurredAt, recordedAt, node: consent } } of grants.edges) {
        const inOrder = [enrolled.occurredAt, consent.signedAt, consent.effectiveFrom, recordedAt];
        expect(inOrder).toEqual([...inOrder].sort());
        expect(occurredAt).toBe(consent.signedAt);
      }
      for (const { node: { occurredAt } } of all.edges) {
        expect(occurredAt >= enrolled.occurredAt && occurredAt < later(enrolled.recordedAt, -60_000)).toBe(true);
      }
    }
  });

  it('shows the first person to four audiences as the README says', async () => {
    const readme = await readFile('README.md', 'utf8');
    const [{ id, tokens }] = (await demoFile()).participants as [DemoFile['participants'][0]];
    const query = firstQuery(id);
    expect(readme).toContain(query);

    const answers = await Promise.all(firstAudiences.map(async (role) => {
      const { participant } = await system.as(tokens[role]!).query(query);
      return participant;
    }));
    const [table] = /^\| \| the peer \|.*\n(\|.*\n)+/m.exec(readme)!;
    const rows = [...table.matchAll(/^\| `([\w.[\]*]+)` \|(.*)\|$/gm)];
    expect(rows.length).toBeGreaterThan(8);
    for (const [, field, cells] of rows) {
      const said = cells!.split('|').map((cell) => JSON.parse(cell.trim().replace(/^`|`$/g, '')) as unknown);
      expect({ field, values: said }).toEqual({ field, values: answers.map((answer) => at(answer, field!)) });
    }
  });

  it('says what it can be told, and where it needs a running system', async () => {
    for (const args of [['--seed', 'x'], ['--people', '0'], ['--what']]) {
      expect(await (await demo(args)).ended).toEqual({ exitCode: 2, output: expect.stringContaining('usage:') });
    }
    const nowhere = await demo([], path.join(system.dataDir, 'nowhere'));
    expect(await nowhere.ended).toEqual({ exitCode: 1, output: expect.stringContaining('npm start') });
  });
});

interface Timeline<Node = unknown> {
  totalCount: number;
  edges: { node: { occurredAt: string; recordedAt: string; node: Node } }[];
}

/** The value at a path like `contacts.edges[*].node.summary`, of which `[*]` makes a list. */
function at(value: unknown, fieldPath: string): unknown {
  const [, name, every, rest = ''] = /^(\w+)(\[\*\])?\.?(.*)$/.exec(fieldPath) ?? [];
  if (name === undefined || value === null || value === undefined) return value;
  const field = (value as Record<string, unknown>)[name];
  if (every) return (field as unknown[]).map((one) => at(one, rest));
  return rest ? at(field, rest) : field;
}
