import type { Config } from 'jest';

const project = (name: string, ...folders: string[]): Config => ({
  displayName: name,
  testEnvironment: 'node',
  // What examples and the README import, as a user does.
  moduleNameMapper: {
    '^millrace$': '<rootDir>/src/index.ts',
    '^millrace/testing$': '<rootDir>/src/testing.ts',
  },
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
      globalSetup: '<rootDir>/test/support/global-setup.ts',
      globalTeardown: '<rootDir>/test/support/global-teardown.ts',
    },
    project('package', 'package'),
  ],
};

export default config;
