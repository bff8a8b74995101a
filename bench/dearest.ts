import { readFile, writeFile } from 'node:fs/promises';
import { contactInput, enroll, GraphqlClient, logContact, rate, startServer } from './client.js';
import { keep, spread, type BenchResult } from './result.js';

const PEOPLE = 100;
const CONTACTS = 120;
const CONTACTS_OF_OTHERS = 20;

const edges = (first: number, node: string, alias = '') => `${alias}contacts(first: ${first}) { edges { node { ${node} } } }`;
const inFull = `id version startedAt endedAt modality setting continuumStage supportTypes activities dimensions goalIds summary
  narrative coAuthored livedExperienceShared visibility author { id role name organization { id name } }`;
const ofPerson = (below: string) => `query ($id: ID!) { participant(id: $id) { ${below} } }`;
const aliases = (count: number, below: (index: number) => string) =>
  Array.from({ length: count }, (_, nth) => below(nth)).join(' ');

/** Each as dear as its kind may be: just within what a request may hold, or send. */
const dearest: Readonly<Record<string, string>> = {
  'nested, plain': ofPerson(edges(100, `participant { ${edges(100, `id version modality setting startedAt endedAt visibility
    coAuthored continuumStage supportTypes activities dimensions goalIds livedExperienceShared summary narrative`)} }`)),
  'nested, workers': ofPerson(edges(100, `participant { ${edges(100, 'author { id name organization { name } }')} }`)),
  'nested, people': ofPerson(edges(100, `participant { ${edges(100, aliases(2, (nth) =>
    `b${nth}: participant { householdSize }`))} }`)),
  'nested twice': ofPerson(edges(26, `participant { ${edges(26, `participant { ${edges(26, 'id summary')} }`)} }`)),
  'in full, many pages': ofPerson(aliases(36, (nth) => edges(100 - nth, inFull, `a${nth}: `))),
  'story and nodes': ofPerson(aliases(39, (nth) => `a${nth}: timeline(first: ${100 - nth}) {
    edges { node { id type actor { name } node { id ... on PeerContact { summary narrative } } } } }`)),
  caseload: `{ participants(first: 100) { totalCount edges { node { id preferredName legalName employment { status }
    ${['contacts', 'notes', 'referrals', 'consents', 'team', 'timeline'].map((list) =>
      `${list}(first: 20) { totalCount edges { node { id } } }`).join(' ')} } } } }`,
};

const refused: Readonly<Record<string, string>> = {
  'three lists of 100': ofPerson(edges(100, `participant { ${edges(100, `participant { ${edges(100, 'id')} }`)} }`)),
};

/** What the dearest queries that are answered cost the process, and how soon the others are refused. */
export async function run({ rounds = 5 }: { rounds?: number } = {}): Promise<BenchResult> {
  const server = await startServer();
  const client = new GraphqlClient(server.graphql);
  try {
    const token = server.tokens['peer']!;
    const people: string[] = [];
    for (let index = 0; index < PEOPLE; index += 1) people.push(await enroll(client, token));
    const of = (index: number) => (index < CONTACTS ? people[0]! : people[index % PEOPLE]!);
    await rate(CONTACTS + PEOPLE * CONTACTS_OF_OTHERS, 32, (index) =>
      client.ask(token, logContact, { input: contactInput(of(index)) }));
    const rows: Record<string, { ms: number; peakMiB: number; answerMiB: number }>[] = [];
    for (let round = 0; round <= rounds; round += 1) {
      const row: (typeof rows)[number] = {};
      for (const [what, query] of Object.entries({ ...dearest, ...refused })) {
        await writeFile(`/proc/${server.pid}/clear_refs`, '5');
        const before = await memoryMiB(server.pid, 'VmRSS');
        const start = performance.now();
        const answer = await client.post(token, JSON.stringify({ query, variables: { id: people[0] } }));
        const ms = performance.now() - start;
        const { errors } = JSON.parse(answer) as { errors?: { message: string; extensions: { code: string } }[] };
        const isRefused = errors?.length === 1 && errors[0]!.extensions.code === 'LIMIT_EXCEEDED';
        const isAsExpected = what in refused ? isRefused : !errors;
        if (!isAsExpected) throw new Error(`${what}: ${JSON.stringify(errors).slice(0, 500)}`);
        const peakMiB = await memoryMiB(server.pid, 'VmHWM') - before;
        row[what] = { ms, peakMiB, answerMiB: Buffer.byteLength(answer) / 2 ** 20 };
      }
      if (round > 0) rows.push(row);
    }
    const each = (measure: 'ms' | 'peakMiB' | 'answerMiB', unit: string) => Object.keys(rows[0]!).map((what) =>
      [`${what}, ${unit}`, spread(rows.map((row) => row[what]![measure]))] as const);
    return await keep({
      name: 'dearest',
      circumstances: { people: PEOPLE, contacts: CONTACTS, contactsOfOthers: CONTACTS_OF_OTHERS },
      rounds: rows,
      summary: Object.fromEntries([...each('ms', 'ms'), ...each('peakMiB', 'MiB more'), ...each('answerMiB', 'MiB answer')]),
    });
  } finally {
    client.close();
    await server.close();
  }
}

/** Of a process on Linux: resident now, or at most since that was last cleared. */
async function memoryMiB(pid: number, line: 'VmRSS' | 'VmHWM'): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return Number(new RegExp(`${line}:\\s+(\\d+)`).exec(status)?.[1] ?? 0) / 1_024;
}
