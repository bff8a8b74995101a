import { contactInput, enroll, GraphqlClient, logContact, rate, startServer } from './client.js';
import { keep, spread, type BenchResult } from './result.js';

const CLIENTS = 32;
const HISTORY = 200;
const story = (field: string) => `query ($id: ID!) { ${field}(id: $id) { id timeline(first: 20) {
  edges { cursor node { id type occurredAt segments } } pageInfo { hasNextPage } } } }`;

/** Twenty entries of a person's story, filtered by consent, against the same Mercurius giving the same answer from memory. */
export async function run({ rounds = 5, queries = 6_000 }: { rounds?: number; queries?: number } = {}): Promise<BenchResult> {
  const server = await startServer();
  const client = new GraphqlClient(server.graphql);
  try {
    const token = server.tokens['peer']!;
    const people: string[] = [];
    for (let index = 0; index < 16; index += 1) people.push(await enroll(client, token));
    await rate(people.length * HISTORY, CLIENTS, (index) =>
      client.ask(token, logContact, { input: contactInput(people[index % people.length]!) }));
    const ask = (query: string) => (index: number) =>
      client.post(token, JSON.stringify({ query, variables: { id: people[index % people.length] } }));
    const sides = { view: ask(story('participant')), memory: ask(story('memory')) };
    const seen = JSON.parse(await sides.view(0)) as { data: { participant: { timeline: { edges: unknown[] } } } };
    if (seen.data.participant.timeline.edges.length !== 20) throw new Error('The view does not show twenty entries');
    const measured: Record<keyof typeof sides, number>[] = [];
    for (let round = 0; round <= rounds; round += 1) {
      const result = { view: 0, memory: 0 };
      for (const side of round % 2 ? ['view', 'memory'] as const : ['memory', 'view'] as const) {
        result[side] = await rate(queries, CLIENTS, sides[side]);
      }
      if (round > 0) measured.push(result);
    }
    return await keep({
      name: 'view',
      circumstances: { clients: CLIENTS, queries, history: HISTORY },
      rounds: measured,
      summary: {
        'view/s': spread(measured.map((one) => one.view)),
        'memory/s': spread(measured.map((one) => one.memory)),
        ratio: spread(measured.map((one) => one.view / one.memory)),
      },
    });
  } finally {
    client.close();
    await server.close();
  }
}
