/** `npm run --silent asyncapi`: every event of the topic as an AsyncAPI document with JSON Schemas, on stdout. */
import { prepare } from './prepare.mjs';

await prepare();
const { capabilities } = await import('../dist/libs/care/index.js');
const { asyncApiDocument } = await import('../dist/libs/messaging/index.js');
const events = capabilities.flatMap(({ streams }) => streams).flatMap((stream) => stream.events);
process.stdout.write(`${JSON.stringify(asyncApiDocument(events), null, 2)}\n`);
