import type { Config } from 'jest';

const project = (name: string, ...folders: string[]): Config => ({
  displayName: name,
  testEnvironment: 'node',
  testMatch: folders.map((folder) => `<rootDir>/test/${folder}/**/*.test.ts`),
  transform: {
    '\\.ts$': ['@swc/jest', { jsc: { target: 'es2023', parser: { syntax: 'typescript' } } }],
  },
});

const config: Config = {
  projects: [
    project('unit', 'unit', 'contract', 'property', 'types', 'tidy'),
    {
      ...project('integration', 'integration'),
      globalSetup: '<rootDir>/test/support/global-setup.ts',
      globalTeardown: '<rootDir>/test/support/global-teardown.ts',
    },
    project('package', 'package'),
  ],
};

export default config;
