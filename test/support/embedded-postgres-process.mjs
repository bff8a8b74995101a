/** A process that uses the embedded PostgreSQL: says its URL, or its error, and leaves when its standard input ends. */
import { once } from 'node:events';
import { pathToFileURL } from 'node:url';

const [, , dist, dataDir] = process.argv;
const { openEmbeddedPostgres } = await import(pathToFileURL(`${dist}/libs/platform/database/index.js`).href);
const asked = once(process.stdin.resume(), 'end');
// The test may have been interrupted: nobody listens then, but the server is to be left all the same.
process.stdout.on('error', () => undefined);
const say = (message) => process.stdout.write(`${JSON.stringify(message)}\n`);

try {
  const server = await openEmbeddedPostgres({ dataDir });
  say({ url: server.url });
  await asked;
  await server.close();
} catch (error) {
  say({ error: error.message });
  process.exitCode = 1;
}
