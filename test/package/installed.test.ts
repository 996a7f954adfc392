import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';

const ROOT = path.join(__dirname, '..', '..');
const TWO_MINUTES_MS = 120_000;

/** Counts clicks by user through the test driver; prints what came out. The same text for both module systems. */
const PROGRAM = `
async function main() {
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
  const last = output.readRecords().at(-1);
  await driver.close();
  console.log(\`\${String(last?.key)}=\${String(last?.value)}\`);
}
void main();
`;
const ESM = `import { StreamsBuilder, serdes } from 'millrace';
import { TopologyTestDriver } from 'millrace/testing';
${PROGRAM}`;
const COMMONJS = `const { StreamsBuilder, serdes } = require('millrace');
const { TopologyTestDriver } = require('millrace/testing');
${PROGRAM}`;
const JEST = `${COMMONJS.replace('void main();', '')}
test('the driver runs in a plain jest', async () => {
  const log = jest.spyOn(console, 'log').mockImplementation(() => {});
  await main();
  expect(log).toHaveBeenCalledWith('ann=2');
});
`;

describe('the packed package', () => {
  let folder: string;
  let consumer: string;

  beforeAll(() => {
    folder = mkdtempSync(path.join(os.tmpdir(), 'millrace-install-'));
    consumer = path.join(folder, 'consumer');
    mkdirSync(consumer);
    run(ROOT, 'npm', 'pack', '--silent', '--ignore-scripts', '--pack-destination', folder);
    const tarball = readdirSync(folder).find((name) => name.endsWith('.tgz')) ?? '';
    write('package.json', '{ "name": "consumer", "private": true }');
    run(consumer, 'npm', 'install', '--prefer-offline', '--no-save', path.join(folder, tarball));
  }, TWO_MINUTES_MS);

  afterAll(() => {
    rmSync(folder, { recursive: true, force: true });
  });

  test('an ECMAScript module imports both entry points', () => {
    write('main.mjs', ESM);
    expect(run(consumer, process.execPath, 'main.mjs')).toBe('ann=2\n');
  });

  test('a CommonJS module requires both entry points', () => {
    write('main.cjs', COMMONJS);
    expect(run(consumer, process.execPath, 'main.cjs')).toBe('ann=2\n');
  });

  test('both module systems export the same names', () => {
    write(
      'names.mjs',
      `import { createRequire } from 'node:module';
      const require = createRequire(import.meta.url);
      for (const entry of ['millrace', 'millrace/testing']) {
        const names = (module) => Object.keys(module).filter((name) => name !== 'default' && name !== '__esModule' && name !== 'module.exports').sort();
        console.log(JSON.stringify([names(await import(entry)), names(require(entry))]));
      }`,
    );
    for (const line of run(consumer, process.execPath, 'names.mjs').trim().split('\n')) {
      const [esm, commonjs] = JSON.parse(line) as [string[], string[]];
      expect(esm).toEqual(commonjs);
      expect(esm.length).toBeGreaterThan(1);
    }
  });

  test('an error of the one copy is known to the other', () => {
    write(
      'errors.mjs',
      `import { createRequire } from 'node:module';
      import { isStreamsError } from 'millrace';
      const { StreamsError } = createRequire(import.meta.url)('millrace');
      console.log(isStreamsError(new StreamsError('STREAMS_CONFIG', 'no'), 'STREAMS_CONFIG'));`,
    );
    expect(run(consumer, process.execPath, 'errors.mjs')).toBe('true\n');
  });

  test.each(['mts', 'cts'])(
    'TypeScript compiles a consumer against the types, .%s',
    (extension) => {
      write(`main.${extension}`, ESM);
      const compilerOptions = {
        strict: true,
        module: 'nodenext',
        target: 'es2023',
        noEmit: true,
        types: ['node'],
        typeRoots: [path.join(ROOT, 'node_modules', '@types')],
      };
      write('tsconfig.json', JSON.stringify({ compilerOptions, files: [`main.${extension}`] }));
      const tsc = path.join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc');
      expect(run(consumer, process.execPath, tsc, '-p', 'tsconfig.json')).toBe('');
    },
    TWO_MINUTES_MS,
  );

  test(
    'a plain jest loads the test driver',
    () => {
      write('count.test.js', JEST);
      const jest = path.join(ROOT, 'node_modules', 'jest', 'bin', 'jest.js');
      run(consumer, process.execPath, jest, '--rootDir', consumer, '--silent=false');
    },
    TWO_MINUTES_MS,
  );

  function write(name: string, text: string): void {
    writeFileSync(path.join(consumer, name), text);
  }

  /** What the command printed; its stderr is in the error when it fails. */
  function run(cwd: string, command: string, ...args: string[]): string {
    return execFileSync(command, args, {
      cwd,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
    });
  }
});
