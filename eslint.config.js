import js from '@eslint/js';
import prettier from 'eslint-config-prettier';
import tseslint from 'typescript-eslint';

/** Who may import whom (docs/architecture.md). A folder absent from the list on the right is out of reach. */
const layers = {
  common: [],
  serde: ['common'],
  observability: ['common'],
  wire: ['common'],
  client: ['common', 'observability', 'wire'],
  state: ['common', 'serde', 'observability'],
  processor: ['common', 'serde', 'observability', 'state'],
  operators: ['common', 'serde', 'observability', 'state', 'processor'],
  topology: ['common', 'serde', 'state', 'processor'],
  dsl: ['common', 'serde', 'state', 'processor', 'operators', 'topology'],
  runtime: ['common', 'serde', 'observability', 'client', 'state', 'processor', 'topology'],
  query: ['common', 'serde', 'state', 'runtime'],
  adapters: [
    'common',
    'serde',
    'observability',
    'wire',
    'client',
    'state',
    'processor',
    'runtime',
    'query',
  ],
  testing: [
    'common',
    'serde',
    'observability',
    'wire',
    'client',
    'state',
    'processor',
    'operators',
    'topology',
    'dsl',
    'runtime',
    'query',
  ],
};

/** Time, chance, files and sockets come in through ports, so that a test can pass its own. */
const portedGlobals = [
  'Date',
  'performance',
  'setTimeout',
  'setInterval',
  'setImmediate',
  'process',
];
const portedModules = [
  'node:fs',
  'node:fs/promises',
  'node:net',
  'node:tls',
  'node:child_process',
  'node:timers',
  'node:timers/promises',
  'node:worker_threads',
  'node:os',
];

const layerRules = Object.entries(layers).map(([layer, reachable]) => {
  const hidden = Object.keys(layers).filter(
    (other) => other !== layer && !reachable.includes(other),
  );
  const inAdapters = layer === 'adapters';
  return {
    files: [`src/${layer}/**`],
    rules: {
      'no-restricted-imports': [
        'error',
        {
          paths: inAdapters
            ? []
            : portedModules.map((name) => ({
                name,
                message: 'Reach it through a port; adapters/node implements it.',
              })),
          patterns: [
            {
              regex: `^(\\.\\./)+(${hidden.join('|')})/`,
              message: `${layer} may import: ${reachable.join(', ') || 'nothing'}.`,
            },
            {
              regex: '^(\\.\\./)+(index|testing|worker|kafka-streams)\\.ts$',
              message: 'Only the files of src/ itself see a composition root.',
            },
            ...(inAdapters
              ? []
              : [{ regex: '^(?!node:|\\.)', message: 'Third-party packages live in adapters.' }]),
          ],
        },
      ],
      ...(inAdapters
        ? {}
        : {
            'no-restricted-globals': [
              'error',
              ...portedGlobals.map((name) => ({
                name,
                message: 'Pass in a Clock, Timers or Random.',
              })),
            ],
            'no-restricted-properties': [
              'error',
              { object: 'Math', property: 'random', message: 'Pass in a Random.' },
            ],
          }),
    },
  };
});

export default tseslint.config(
  { ignores: ['dist', 'coverage', 'bench/build', 'src/wire/messages'] },
  js.configs.recommended,
  tseslint.configs.strictTypeChecked,
  tseslint.configs.stylisticTypeChecked,
  prettier,
  {
    languageOptions: { parserOptions: { projectService: true } },
    rules: {
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/non-nullable-type-assertion-style': 'off', // it asks for `!`, which we ban
      '@typescript-eslint/explicit-module-boundary-types': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': [
        'error',
        { considerDefaultExhaustiveForUnions: true },
      ],
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_' }],
      'no-restricted-syntax': [
        'error',
        { selector: 'ExportDefaultDeclaration', message: 'Named exports only.' },
      ],
    },
  },
  ...layerRules,
  { files: ['*.config.*'], rules: { 'no-restricted-syntax': 'off' } },
  {
    files: ['**/*.cjs'],
    languageOptions: {
      globals: { require: 'readonly', exports: 'writable', __dirname: 'readonly' },
    },
    rules: { '@typescript-eslint/no-require-imports': 'off' },
  },
  {
    files: ['**/*.js', '**/*.mjs', '**/*.cjs'],
    ...tseslint.configs.disableTypeChecked,
    rules: {
      ...tseslint.configs.disableTypeChecked.rules,
      '@typescript-eslint/explicit-module-boundary-types': 'off', // JavaScript has none
    },
    languageOptions: {
      parserOptions: { projectService: false },
      globals: {
        process: 'readonly',
        console: 'readonly',
        URL: 'readonly',
        Buffer: 'readonly',
        setTimeout: 'readonly',
      },
    },
  },
);
