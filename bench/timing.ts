import { Client, type Dev } from '../test/support/client.js';
import { personWithLittle, personWithMuch, stranger, unknownIds, ways, type Ids } from '../test/support/strangers.js';
import { startServer } from './client.js';
import { keep, spread, type BenchResult } from './result.js';

const MUCH = 100;

/** Of interleaved pairs: how often the first took longer, in percent, and by how much in the middle, in milliseconds. */
interface Compared {
  slowerPercent: number;
  byMs: number;
}

/**
 * What a stranger could learn from how long a refusal takes: each way to ask, about a person that is there and one that is not,
 * against the control of two that are not. The three are asked in a random order, again and again.
 */
export async function run({ pairs = 200 }: { pairs?: number } = {}): Promise<BenchResult> {
  const server = await startServer();
  try {
    const system = systemOf(server);
    const people = { little: await personWithLittle(system), much: await personWithMuch(system, MUCH) };
    const rows: ({ way: string; person: string } & Record<'known' | 'control', Compared>)[] = [];
    const strangers = new Map<string, Client>();
    for (const { name, role, ask } of ways) {
      if (!strangers.has(role)) strangers.set(role, (await stranger(system, role)).client);
      const time = async (ids: Ids): Promise<number> => {
        const start = performance.now();
        await ask(strangers.get(role)!, ids);
        return performance.now() - start;
      };
      for (const [person, ids] of Object.entries(people)) {
        const known: [number, number][] = [];
        const control: [number, number][] = [];
        for (let nth = -10; nth < pairs; nth += 1) {
          const taken = { known: 0, unknown: 0, another: 0 };
          const order = Object.keys(taken) as (keyof typeof taken)[];
          order.sort(() => Math.random() - 0.5);
          for (const one of order) taken[one] = await time(one === 'known' ? ids : unknownIds());
          if (nth < 0) continue;
          known.push([taken.known, taken.unknown]);
          control.push([taken.another, taken.unknown]);
        }
        rows.push({ way: `${name} to a ${role}`, person, known: compared(known), control: compared(control) });
      }
    }
    const farthest = [...rows].sort((a, b) => Math.abs(b.known.slowerPercent - 50) - Math.abs(a.known.slowerPercent - 50));
    for (const { way, person, known, control } of farthest.slice(0, 8)) {
      console.log(`  ${way}, ${person}: slower in ${known.slowerPercent} % of pairs, by ${known.byMs} ms; control `
        + `${control.slowerPercent} %, ${control.byMs} ms`);
    }
    return await keep({
      name: 'timing',
      circumstances: { pairs, ways: ways.length, much: MUCH },
      rounds: rows,
      summary: {
        '% slower, known': spread(rows.map(({ known }) => known.slowerPercent)),
        '% slower, control': spread(rows.map(({ control }) => control.slowerPercent)),
        'by ms, known': spread(rows.map(({ known }) => known.byMs)),
        'by ms, control': spread(rows.map(({ control }) => control.byMs)),
      },
    });
  } finally {
    await server.close();
  }
}

function compared(pairs: readonly (readonly [number, number])[]): Compared {
  const differences = pairs.map(([one, other]) => one - other);
  const slower = differences.filter((difference) => difference > 0).length;
  return { slowerPercent: Math.round((100 * slower) / pairs.length), byMs: spread(differences).median };
}

function systemOf(dev: Dev) {
  const latest = { position: undefined };
  return {
    dev,
    as: (roleOrToken: string) => new Client(() => dev, dev.tokens[roleOrToken] ?? roleOrToken, latest),
    async token(claims: object): Promise<string> {
      const response = await fetch(dev.token, {
        method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(claims),
      });
      return (await response.json() as { access_token: string }).access_token;
    },
  };
}
