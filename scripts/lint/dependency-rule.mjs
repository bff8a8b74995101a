/** The dependency rule: data flows one way, rules are pure, and only applications choose adapters. */

/** Which of our libraries each may import. A library imports only what stands above it. */
const layers = {
  kernel: [],
  platform: [],
  identity: ['kernel'],
  'event-store': ['kernel'],
  vault: ['kernel', 'event-store'],
  projection: ['kernel', 'event-store', 'vault'],
  messaging: ['kernel', 'event-store', 'projection'],
  disclosure: ['kernel', 'event-store', 'vault', 'projection'],
  command: ['kernel', 'event-store', 'vault', 'disclosure'],
  graphql: ['kernel', 'event-store', 'vault', 'projection', 'disclosure', 'command'],
  care: ['kernel', 'event-store', 'vault', 'projection', 'disclosure', 'command', 'graphql'],
};

const bans = {
  inMemoryEvents: {
    regex: '^@nestjs/cqrs$',
    importNames: ['AggregateRoot', 'EventBus', 'EventPublisher', 'EventsHandler', 'Saga', 'ofType'],
    message: 'In @nestjs/cqrs 12, awaiting publish() awaits nothing, and a saga that saw one exception silently misses '
      + 'every later event. What must happen after an event is a projection or a reactor.',
  },
  adapters: {
    regex: '^@peerbridge/(?:event-store|messaging)/|/(?:postgres|eventstoredb|kafka)/[\\w-]+\\.js$',
    message: 'Only applications choose adapters: a library knows the port.',
  },
  applications: { regex: '/apps/', message: 'A library knows nothing of the applications that compose it.' },
  kafka: { regex: '^kafkajs$', message: 'kafkajs has no maintainer: only libs/messaging/kafka knows it.' },
  eventStoreClient: {
    regex: '^@eventstore/',
    message: 'Only libs/event-store/eventstoredb knows this client, so that replacing it is a day.',
  },
  driver: { regex: '^pg$', message: 'A capability queries through libs/projection and libs/disclosure.' },
};

/** Specifiers, as regular expressions. */
const anyPackage = '(?!@peerbridge/|\\.).+';
const sibling = '\\./[\\w-]+\\.js';
/** A capability's facts and rules, by the names of their files. */
const pureFiles = ['events', 'decider', 'life-cycle', 'shared', 'billing', 'overlap'];
const pureSibling = `\\./(?:${pureFiles.join('|')})\\.js`;
const ours = (names) => names.map((name) => `@peerbridge/${name}`);
const testKit = ['@jest/globals', 'fast-check', '\\.\\./\\.\\./kernel/(?:testing|golden)\\.js'];

/** The files may import what matches one of `allowed` and none of `banned`. The last entry that names a file decides. */
const mayImport = (files, allowed, message, banned = []) => ({
  files,
  rules: {
    'no-restricted-imports': ['error', {
      patterns: [{ regex: `^(?!(?:${allowed.join('|')})$)`, message }, bans.inMemoryEvents, bans.applications, ...banned],
    }],
  },
});

/** ESLint's configuration of who may import whom. The tables above are the architecture. */
export const dependencyRule = [
  { files: ['**/*.{ts,js,mjs}'], rules: { 'no-restricted-imports': ['error', { patterns: [bans.inMemoryEvents] }] } },
  {
    files: ['apps/**/*.{ts,js,mjs}'],
    rules: { 'no-restricted-imports': ['error', { patterns: [bans.inMemoryEvents, bans.kafka, bans.eventStoreClient] }] },
  },

  ...Object.entries(layers).flatMap(([name, below]) => {
    const message = `libs/${name} imports itself, packages, and of our libraries: ${ours(below).join(', ') || 'none'}.`;
    const banned = [bans.adapters, bans.kafka, bans.eventStoreClient];
    const inside = '\\.\\.?/(?!\\.).+';
    return [
      mayImport([`libs/${name}/*.ts`], [anyPackage, '\\./.+', ...ours(below)], message, banned),
      mayImport([`libs/${name}/*/*.ts`], [anyPackage, inside, ...ours(below)], message, banned),
      // Deeper folders belong to the folder above them; what that folder may do more, they may not.
      mayImport([`libs/${name}/*/*/**/*.ts`], [anyPackage, inside, ...ours(below)], message, [...banned, bans.driver]),
    ];
  }),

  mayImport(['libs/event-store/postgres/*.ts'], [anyPackage, sibling, '\\.\\./port\\.js', ...ours(['kernel', 'platform'])],
    'An adapter imports its port, the kernel, and the platform for its database.', [bans.kafka, bans.eventStoreClient]),
  mayImport(['libs/event-store/eventstoredb/*.ts'], [anyPackage, sibling, '\\.\\./port\\.js', ...ours(['kernel'])],
    'An adapter imports its port and the kernel.', [bans.kafka, bans.driver]),
  mayImport(['libs/messaging/kafka/*.ts'], [anyPackage, sibling, '\\.\\./(?:publisher|topics)\\.js', ...ours(['kernel'])],
    'An adapter imports its port and the kernel.', [bans.eventStoreClient, bans.driver]),

  mayImport(['libs/care/*/*.ts'],
    [anyPackage, sibling, '\\.\\./capability\\.js', '\\.\\./[\\w-]+/(?:index|events)\\.js', ...ours(layers.care)],
    'A capability never imports the inside of another: it reads its events.js or asks its index.js.',
    [bans.driver, bans.adapters, bans.kafka, bans.eventStoreClient]),
  mayImport([`libs/care/*/{${pureFiles.join(',')}}.ts`],
    ['zod', pureSibling, '\\.\\./[\\w-]+/events\\.js', ...ours(['kernel'])],
    'Facts and rules are pure: they import the kernel, zod, each other, and the facts of other capabilities. Nothing else.'),
  mayImport(['libs/care/*/*.spec.ts'], ['zod', sibling, '\\.\\./[\\w-]+/events\\.js', ...ours(['kernel']), ...testKit],
    'Facts and rules are tested without servers; what needs one is tested in test/.'),

  mayImport(['libs/disclosure/policy/**/*.ts'], ['zod', sibling, ...ours(['kernel'])],
    'The policy is pure: it imports the kernel and zod. Nothing else.'),
  mayImport(['libs/disclosure/policy/predicate.ts'], ['zod', 'sql-template-tag', sibling, ...ours(['kernel'])],
    'The policy, said in SQL, imports the kernel and what binds its values. Nothing else.'),
  mayImport(['libs/disclosure/policy/{testing,*.spec}.ts'], ['zod', sibling, ...ours(['kernel']), ...testKit],
    'The policy is tested without servers; what needs one is tested in test/.'),
];
