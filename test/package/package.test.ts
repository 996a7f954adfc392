import { InstalledPackage } from '../support/installed-package.ts';
import { namedSnippets } from '../support/snippets.ts';

const SECONDS_90 = 90_000;

const COUNT_CLICKS = `
async function countClicks() {
  const builder = new StreamsBuilder();
  builder
    .stream('clicks', { key: serdes.string, value: serdes.string })
    .groupByKey()
    .count({ store: 'clicks-by-user' })
    .toStream()
    .to('counts', { key: serdes.string, value: serdes.long });
  const driver = await TopologyTestDriver.create(builder.build());
  const input = driver.createInputTopic('clicks', { key: serdes.string, value: serdes.string });
  const output = driver.createOutputTopic('counts', { key: serdes.string, value: serdes.long });
  await input.pipe({ key: 'ann', value: '/', timestampMs: 1 });
  await input.pipe({ key: 'ann', value: '/', timestampMs: 2 });
  const counts = output.readRecords().map(({ key, value }) => key + '=' + value);
  await driver.close();
  return counts.join(' ');
}
`;
const IMPORTS = `import { StreamsBuilder, serdes } from 'millrace';
import { TopologyTestDriver } from 'millrace/testing';
${COUNT_CLICKS}`;
const REQUIRES = `const { StreamsBuilder, serdes } = require('millrace');
const { TopologyTestDriver } = require('millrace/testing');
${COUNT_CLICKS}`;
const PRINT = 'void countClicks().then((counts) => { console.log(counts); });';

let project: InstalledPackage;

beforeAll(() => {
  project = InstalledPackage.create();
}, SECONDS_90);

afterAll(() => {
  project[Symbol.dispose]();
});

describe('the packed package', () => {
  test('works for an ECMAScript module that imports both entry points', () => {
    project.write('main.mjs', IMPORTS + PRINT);
    expect(project.node('main.mjs')).toBe('ann=1 ann=2\n');
  });

  test('works for a CommonJS module that requires both entry points', () => {
    project.write('main.cjs', REQUIRES + PRINT);
    expect(project.node('main.cjs')).toBe('ann=1 ann=2\n');
  });

  test.each(['mts', 'cts'])(
    'types a program in strict TypeScript, .%s',
    (extension) => {
      project.write(`main.${extension}`, IMPORTS + PRINT);
      expect(project.compile(`main.${extension}`)).toBe('');
    },
    SECONDS_90,
  );

  test('has the same exports for both module systems', () => {
    project.write(
      'names.mjs',
      `import { createRequire } from 'node:module';
       const require = createRequire(import.meta.url);
       const added = new Set(['default', '__esModule', 'module.exports']);
       const names = (module) => Object.keys(module).filter((name) => !added.has(name)).sort();
       for (const entry of ['millrace', 'millrace/testing']) {
         console.log(JSON.stringify([names(await import(entry)), names(require(entry))]));
       }`,
    );
    const lines = project.node('names.mjs').trim().split('\n');
    expect(lines).toHaveLength(2);
    for (const line of lines) {
      const [imported, required] = JSON.parse(line) as [string[], string[]];
      expect(imported).toEqual(required);
      expect(imported.length).toBeGreaterThan(1);
    }
  });

  test('knows an error of the other copy', () => {
    project.write(
      'errors.mjs',
      `import { createRequire } from 'node:module';
       import { isStreamsError } from 'millrace';
       const { StreamsError } = createRequire(import.meta.url)('millrace');
       console.log(isStreamsError(new StreamsError('STREAMS_CONFIG', 'no'), 'STREAMS_CONFIG'));`,
    );
    expect(project.node('errors.mjs')).toBe('true\n');
  });

  test.each(['mjs', 'cjs'])('starts worker threads from a .%s program', (extension) => {
    project.write('no-topology.mjs', 'export const nothing = 1;');
    const load =
      extension === 'mjs'
        ? `import { KafkaStreams } from 'millrace';`
        : `const { KafkaStreams } = require('millrace');`;
    project.write(
      `threads.${extension}`,
      `${load}
       const topology = new URL('no-topology.mjs', 'file://' + process.argv[1]);
       const options = { applicationId: 'app', brokers: ['localhost:1'], stateDir: './state' };
       new KafkaStreams(topology, options).start().catch((error) => { console.log(error.message); });`,
    );
    // It comes from the worker, which has loaded the module.
    expect(project.node(`threads.${extension}`)).toContain('exports no function `topology`');
  });

  test(
    'lets a plain jest use the test driver',
    () => {
      project.write(
        'count.test.js',
        `${REQUIRES}
       test('counts', async () => { expect(await countClicks()).toBe('ann=1 ann=2'); });`,
      );
      project.tool('jest/bin/jest.js', '--rootDir', project.folder, 'count.test.js');
    },
    SECONDS_90,
  );
});

describe("the README's first program", () => {
  const files = namedSnippets('README.md');

  test('is there, with its test', () => {
    expect([...files.keys()]).toEqual(['spending.ts', 'spending.test.ts', 'main.ts']);
  });

  test(
    'compiles, and its test passes by the command that the README gives',
    () => {
      project.write('package.json', '{ "name": "project", "private": true, "type": "module" }');
      for (const [name, text] of files) project.write(name, text);
      expect(project.compile(...files.keys())).toBe('');
      const report = project.tool('tsx/dist/cli.mjs', '--test', 'spending.test.ts');
      expect(report).toMatch(/^. pass 1$/m);
    },
    SECONDS_90,
  );
});
