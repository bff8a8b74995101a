/** A process that uses the embedded PostgreSQL: says its URL, or its error, and leaves when its standard input ends. */
import { pathToFileURL } from 'node:url';

const [, , dist, dataDir] = process.argv;
const { openEmbeddedPostgres } = await import(pathToFileURL(`${dist}/libs/platform/database/index.js`).href);
const say = (message) => process.stdout.write(`${JSON.stringify(message)}\n`);

try {
  const server = await openEmbeddedPostgres({ dataDir });
  process.stdin.on('end', () => { void server.close(); }).resume();
  say({ url: server.url });
} catch (error) {
  say({ error: error.message });
}
