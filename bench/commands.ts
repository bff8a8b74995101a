import { contactInput, enroll, GraphqlClient, logContact, rate, startServer } from './client.js';
import { keep, spread, type BenchResult } from './result.js';

const CLIENTS = 32;
const doNothing = 'mutation ($input: DoNothingInput!) { doNothing(input: $input) { id position } }';

/** Commands through GraphQL from 32 clients, against the same server answering a mutation that does nothing. */
export async function run({ rounds = 5, commands = 4_000 }: { rounds?: number; commands?: number } = {}): Promise<BenchResult> {
  const server = await startServer();
  const client = new GraphqlClient(server.graphql);
  try {
    const token = server.tokens['peer']!;
    const people: string[] = [];
    for (let index = 0; index < 64; index += 1) people.push(await enroll(client, token));
    const sides = {
      commands: (index: number) => client.ask(token, logContact, { input: contactInput(people[index % people.length]!) }),
      nothing: (index: number) => client.ask(token, doNothing, { input: contactInput(people[index % people.length]!) }),
    };
    const measured: Record<keyof typeof sides, number>[] = [];
    for (let round = 0; round <= rounds; round += 1) {
      const result = { commands: 0, nothing: 0 };
      for (const side of round % 2 ? ['commands', 'nothing'] as const : ['nothing', 'commands'] as const) {
        result[side] = await rate(commands, CLIENTS, sides[side]);
      }
      if (round > 0) measured.push(result);
    }
    return await keep({
      name: 'commands',
      circumstances: { clients: CLIENTS, commands, fsync: 'on' },
      rounds: measured,
      summary: {
        'commands/s': spread(measured.map((one) => one.commands)),
        'nothing/s': spread(measured.map((one) => one.nothing)),
        ratio: spread(measured.map((one) => one.commands / one.nothing)),
      },
    });
  } finally {
    client.close();
    await server.close();
  }
}
