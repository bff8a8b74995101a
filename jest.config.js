import { availableParallelism } from 'node:os';

/** Jest runs the TypeScript sources as native ES modules; see docs/adr for why the two CommonJS patterns are there. */
const commonJsOnly = 'node_modules/(?:.+/)?(?:cookie|content-disposition)/.+\\.js$';

export default {
  // Most specs wait for other processes. Two at least, so that one process never runs them all.
  maxWorkers: Math.max(2, availableParallelism() - 1),
  // No test is decided by how busy the machine is; one that hangs fails in the end.
  testTimeout: 120_000,
  testEnvironment: 'node',
  extensionsToTreatAsEsm: ['.ts'],
  roots: ['<rootDir>/libs', '<rootDir>/apps', '<rootDir>/test'],
  testMatch: ['**/*.spec.ts'],
  globalSetup: '<rootDir>/test/support/global-setup.mjs',
  globalTeardown: '<rootDir>/test/support/global-teardown.mjs',
  moduleNameMapper: {
    '^@peerbridge/(.*)$': '<rootDir>/libs/$1/index.ts',
    '^(\\.{1,2}/.*)\\.js$': '$1',
  },
  transform: {
    '\\.ts$': ['@swc/jest', {
      swcrc: false,
      module: { type: 'es6' },
      sourceMaps: 'inline',
      jsc: {
        target: 'es2022',
        parser: { syntax: 'typescript', decorators: true },
        transform: { legacyDecorator: true, decoratorMetadata: true },
        keepClassNames: true,
      },
    }],
    [commonJsOnly]: ['@swc/jest', { swcrc: false, module: { type: 'commonjs' }, jsc: { target: 'es2022' } }],
  },
  transformIgnorePatterns: ['/node_modules/(?!(?:.+/)?(?:cookie|content-disposition)/)'],
};
