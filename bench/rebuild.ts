import type { RecordedEvent } from '@peerbridge/event-store';
import { loadConfig } from '@peerbridge/platform';
import { rebuildView } from '@peerbridge/projection';
import { openSystem } from '../apps/system.js';
import { contactInput, enroll, GraphqlClient, logContact, rate, startServer } from './client.js';
import { keep, spread, type BenchResult } from './result.js';

/** A rebuild of the whole view, up to its swap, against a bare `readAll` of the same log; compared with the live view after. */
export async function run({ rounds = 5, events = 20_000 }: { rounds?: number; events?: number } = {}): Promise<BenchResult> {
  const server = await startServer();
  const client = new GraphqlClient(server.graphql);
  try {
    const token = server.tokens['peer']!;
    const people: string[] = [];
    for (let index = 0; index < 200; index += 1) people.push(await enroll(client, token));
    await rate(events, 32, (index) => client.ask(token, logContact, { input: contactInput(people[index % people.length]!) }));
    const config = loadConfig({ ...process.env, DATA_DIR: server.dataDir, LOG_LEVEL: 'error' });
    const system = await openSystem(config, 'bench-rebuild');
    try {
      const options = {
        ...system, pool: system.database.patient, alarm: ({ metadata }: RecordedEvent) => { throw new Error(metadata.type); },
      };
      const measured: { rebuiltPerSecond: number; comparedPerSecond: number; readPerSecond: number }[] = [];
      for (let round = 0; round <= rounds; round += 1) {
        let start = performance.now();
        let read = 0;
        for await (const _ of system.store.readAll()) read += 1;
        const readPerSecond = read / ((performance.now() - start) / 1_000);
        start = performance.now();
        await rebuildView({ ...options, compare: false });
        const rebuiltPerSecond = read / ((performance.now() - start) / 1_000);
        start = performance.now();
        if (!(await rebuildView(options)).equal) throw new Error('The rebuilt view is not the live one');
        const comparedPerSecond = read / ((performance.now() - start) / 1_000);
        if (round > 0) measured.push({ rebuiltPerSecond, comparedPerSecond, readPerSecond });
      }
      return await keep({
        name: 'rebuild',
        circumstances: { events },
        rounds: measured,
        summary: {
          'rebuilt events/s': spread(measured.map((one) => one.rebuiltPerSecond)),
          'read events/s': spread(measured.map((one) => one.readPerSecond)),
          'with the comparison': spread(measured.map((one) => one.comparedPerSecond)),
          ratio: spread(measured.map((one) => one.rebuiltPerSecond / one.readPerSecond)),
        },
      });
    } finally {
      await system.close();
    }
  } finally {
    client.close();
    await server.close();
  }
}
