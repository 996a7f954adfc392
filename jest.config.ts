import type { Config } from 'jest';

const ESM_ONLY_PACKAGES = 'arktype|@ark|arkregex';
const ESM_ONLY = `/node_modules/(${ESM_ONLY_PACKAGES})/`;

/** What examples and the README import, as a user does. */
const ENTRY_POINTS = {
  '^millrace$': '<rootDir>/src/index.ts',
  '^millrace/testing$': '<rootDir>/src/testing.ts',
};

/** A worker thread runs what is built: only the integration tests, which `npm test` runs after the build, start any. */
const workerUrl = (file: string): Config => ({
  moduleNameMapper: { '/worker-url\\.js$': `<rootDir>/${file}`, ...ENTRY_POINTS },
});

const project = (name: string, ...folders: string[]): Config => ({
  displayName: name,
  testEnvironment: 'node',
  ...workerUrl('src/worker-url.cjs'),
  testMatch: folders.map((folder) => `<rootDir>/test/${folder}/**/*.test.ts`),
  transform: {
    '\\.ts$': ['@swc/jest', { jsc: { target: 'es2023', parser: { syntax: 'typescript' } } }],
    // Published as ES modules only, which jest's CommonJS cannot load on Node 20.
    [`${ESM_ONLY}.+\\.js$`]: ['@swc/jest', { jsc: { target: 'es2023' } }],
  },
  transformIgnorePatterns: [`/node_modules/(?!(${ESM_ONLY_PACKAGES})/)`],
});

const config: Config = {
  projects: [
    project('unit', 'unit', 'contract', 'property', 'conformance', 'types', 'tidy'),
    {
      ...project('integration', 'integration'),
      ...workerUrl('dist/cjs/worker-url.js'),
      globalSetup: '<rootDir>/test/support/global-setup.ts',
      globalTeardown: '<rootDir>/test/support/global-teardown.ts',
    },
    project('package', 'package'),
  ],
};

export default config;
