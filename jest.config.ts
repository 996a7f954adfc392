import type { Config } from 'jest';

/** What examples and the README import, as a user does. */
const ENTRY_POINTS = {
  '^millrace$': '<rootDir>/src/index.ts',
  '^millrace/testing$': '<rootDir>/src/testing.ts',
};

/** A worker thread runs what is built: only the integration tests, which `npm test` runs after the build, start any. */
const workerUrl = (folder: string): Config => ({
  moduleNameMapper: { '^#worker-url$': `<rootDir>/${folder}/worker-url.cjs`, ...ENTRY_POINTS },
});

const project = (name: string, ...folders: string[]): Config => ({
  displayName: name,
  testEnvironment: 'node',
  ...workerUrl('src'),
  testMatch: folders.map((folder) => `<rootDir>/test/${folder}/**/*.test.ts`),
  transform: {
    '\\.ts$': ['@swc/jest', { jsc: { target: 'es2023', parser: { syntax: 'typescript' } } }],
  },
});

const config: Config = {
  projects: [
    project('unit', 'unit', 'contract', 'property', 'conformance', 'types', 'tidy'),
    {
      ...project('integration', 'integration'),
      ...workerUrl('dist/cjs'),
      globalSetup: '<rootDir>/test/support/global-setup.ts',
      globalTeardown: '<rootDir>/test/support/global-teardown.ts',
    },
    project('package', 'package'),
  ],
};

export default config;
