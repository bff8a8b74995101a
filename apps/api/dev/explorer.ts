import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type { FastifyInstance } from 'fastify';

/** GraphiQL as its packages ship it, with the builds that need no bundler. Nothing comes from another site. */
const assets = {
  'react.js': ['react', 'umd/react.production.min.js'],
  'react-dom.js': ['react-dom', 'umd/react-dom.production.min.js'],
  'graphiql.js': ['graphiql', 'graphiql.min.js'],
  'graphiql.css': ['graphiql', 'graphiql.min.css'],
} as const;

const page = `<!doctype html>
<html lang="en">
<head>
  <meta charset="utf-8">
  <meta name="viewport" content="width=device-width, initial-scale=1">
  <title>Peerbridge explorer</title>
  <link rel="stylesheet" href="/explorer/graphiql.css">
  <link rel="stylesheet" href="/explorer/page.css">
</head>
<body>
  <header>
    <label id="as">Look as <select id="role"></select></label>
    <label id="with" hidden>Look with a token of your issuer <input id="token" autocomplete="off"></label>
  </header>
  <main id="graphiql">Loading…</main>
  <script src="/explorer/react.js"></script>
  <script src="/explorer/react-dom.js"></script>
  <script src="/explorer/graphiql.js"></script>
  <script src="/explorer/page.js"></script>
</body>
</html>
`;

const style = `html, body { height: 100%; margin: 0; }
body { display: flex; flex-direction: column; font-family: system-ui, sans-serif; }
header { padding: 8px 16px; border-bottom: 1px solid #d0d5dd; }
select, input { font: inherit; padding: 2px 6px; }
main { flex: 1; min-height: 0; }
`;

const script = `const firstQuery = \`# Pick above whom to look as.
{
  viewer {
    id
    name
    role
    organization {
      id
      name
    }
  }
}
\`;

const root = ReactDOM.createRoot(document.getElementById('graphiql'));
const picker = document.getElementById('role');

function lookAs({ role, token }) {
  const authorization = 'Bearer ' + token;
  const fetcher = GraphiQL.createFetcher({
    url: '/graphql',
    subscriptionUrl: location.origin.replace(/^http/, 'ws') + '/graphql',
    headers: { authorization },
    wsConnectionParams: { authorization },
  });
  root.render(React.createElement(GraphiQL, { key: role, fetcher, defaultQuery: firstQuery, shouldPersistHeaders: false }));
}

fetch('/dev/roles').then((response) => response.json()).then((members) => {
  // An outside issuer gives the tokens.
  if (members.length === 0) {
    document.getElementById('as').hidden = true;
    document.getElementById('with').hidden = false;
    const given = document.getElementById('token');
    given.addEventListener('change', () => lookAs({ role: given.value, token: given.value }));
    return lookAs({ role: '', token: '' });
  }
  for (const { role, name } of members) picker.append(new Option(name + ' (' + role + ')', role));
  picker.value = 'peer';
  const look = () => lookAs(members.find((member) => member.role === picker.value));
  picker.addEventListener('change', look);
  look();
});
`;

/** Its own scripts and styles, connections to this server, and the styles that its editor sets while running. */
const policy = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
  + "font-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/** The explorer at `/explorer`: whoever opens it picks a role, or brings a token, and asks. */
export function explorer(instance: FastifyInstance): void {
  const own = { 'page.js': ['text/javascript', script], 'page.css': ['text/css', style] } as const;

  instance.get('/explorer', async (_request, reply) =>
    reply.header('content-security-policy', policy).type('text/html; charset=utf-8').send(page));
  for (const [name, [type, text]] of Object.entries(own)) {
    instance.get(`/explorer/${name}`, async (_request, reply) => reply.type(`${type}; charset=utf-8`).send(text));
  }
  for (const [name, [packageName, file]] of Object.entries(assets)) {
    const type = name.endsWith('.css') ? 'text/css' : 'text/javascript';
    instance.get(`/explorer/${name}`, async (_request, reply) =>
      reply.type(`${type}; charset=utf-8`).header('cache-control', 'max-age=3600').send(await fileOf(packageName, file)));
  }
}

const { resolve } = createRequire(import.meta.url);
const fileOf = (packageName: string, file: string): Promise<Buffer> =>
  readFile(join(dirname(resolve(`${packageName}/package.json`)), file));
