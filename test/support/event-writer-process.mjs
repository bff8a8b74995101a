/** A process that appends to its own streams, 32 in flight: says each id before it is sent, and when it is acknowledged. */
import { randomUUID } from 'node:crypto';
import { writeSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import pg from 'pg';

const [, , dist, url] = process.argv;
const { PostgresEventStore } = await import(pathToFileURL(`${dist}/libs/event-store/postgres/index.js`).href);
const store = await PostgresEventStore.open({ pool: new pg.Pool({ connectionString: url }) });
// Synchronous: what was said is out before the process can be killed.
const say = (word, stream, eventId) => writeSync(1, `${word} ${stream} ${eventId}\n`);

await Promise.all(Array.from({ length: 32 }, async () => {
  const stream = `participant-${randomUUID()}`;
  for (let revision = -1; ; revision += 1) {
    const eventId = randomUUID();
    say('asked', stream, eventId);
    const event = { metadata: { eventId, type: 'ContactAttempted', stream }, data: { open: {}, sealed: {} } };
    await store.append(stream, [event], { expectedRevision: revision < 0 ? 'noStream' : revision });
    say('acknowledged', stream, eventId);
  }
}));
