/**
 * The tests again on the newest Node LTS, and those that need a broker on Kafka 3.9, which speaks only transaction
 * protocol 1. The newest LTS is a binary that the `node` package on npm brings; it is kept under node_modules/.cache.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';

const NEWEST_LTS = '24';

const root = path.join(import.meta.dirname, '..');
const jest = path.join(root, 'node_modules', 'jest', 'bin', 'jest.js');

const node = newestLts();
console.log(`\n== Node ${version(node)}, Kafka as pinned`);
const onNode = run(node, [jest, ...process.argv.slice(2)], {
  // So that what a test starts by the name `node` is this one too.
  PATH: `${path.dirname(node)}${path.delimiter}${process.env.PATH ?? ''}`,
});
console.log(`\n== Node ${version(process.execPath)}, Kafka 3.9`);
const onKafka = run(
  process.execPath,
  [jest, '--selectProjects', 'integration', ...process.argv.slice(2)],
  { MILLRACE_KAFKA_VERSION: '3.9' },
);
process.exit(onNode || onKafka);

function newestLts() {
  const folder = path.join(root, 'node_modules', '.cache', `node-${NEWEST_LTS}`);
  const binary = path.join(folder, 'node_modules', 'node', 'bin', 'node');
  if (!existsSync(binary)) {
    mkdirSync(folder, { recursive: true });
    // The package fetches its binary in an install script, which npm runs only where it is allowed.
    writeFileSync(
      path.join(folder, 'package.json'),
      '{ "private": true, "allowScripts": { "node": true } }',
    );
    const code = run('npm', ['install', '--prefix', folder, '--no-save', `node@${NEWEST_LTS}`]);
    if (code !== 0) process.exit(code);
  }
  const lts = spawnSync(binary, ['-p', 'process.release.lts ?? ""'], { encoding: 'utf8' });
  if (lts.stdout?.trim()) return binary;
  console.error(
    `Node ${NEWEST_LTS} in ${folder} is no LTS or does not start: ${lts.stderr ?? lts.error}`,
  );
  process.exit(1);
}

function version(binary) {
  return spawnSync(binary, ['--version'], { encoding: 'utf8' }).stdout.trim();
}

function run(command, args, env = {}) {
  const options = { cwd: root, stdio: 'inherit', env: { ...process.env, ...env } };
  return spawnSync(command, args, options).status ?? 1;
}
