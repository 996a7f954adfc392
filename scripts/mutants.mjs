/**
 * Shows that the tests would notice: applies each mutant, a small edit that breaks one rule of the commit, the fetch filter,
 * the restore or the group, to a scratch copy, and runs the test that docs/reliability.md names for it, which must fail.
 *
 *     npm run mutants                    all of them
 *     npm run mutants -- requireStable   those whose name contains it
 *
 * Ends with 1 where a mutant survives, cannot be applied, or where a test fails without any.
 */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { MUTANTS } from './mutants/list.mjs';

const root = path.join(import.meta.dirname, '..');
const wanted = process.argv.slice(2);
const mutants = MUTANTS.filter(
  ({ name }) => wanted.length === 0 || wanted.some((part) => name.includes(part)),
);

const copy = mkdtempSync(path.join(tmpdir(), 'millrace-mutants-'));
let survivors = 0;
try {
  for (const part of ['src', 'test', 'package.json', 'jest.config.ts', 'tsconfig.json']) {
    cpSync(path.join(root, part), path.join(copy, part), { recursive: true });
  }
  symlinkSync(path.join(root, 'node_modules'), path.join(copy, 'node_modules'));
  const tests = [...new Set(mutants.map(({ test }) => test))];
  const sound = jest(tests);
  if (!sound.passed) {
    console.log(`without a mutant the tests fail:\n${sound.output}`);
    process.exit(1);
  }
  for (const mutant of mutants) {
    const verdict = judge(mutant);
    if (verdict !== 'caught') survivors++;
    console.log(`${verdict.padEnd(9)} ${mutant.name}`);
  }
} finally {
  rmSync(copy, { recursive: true, force: true });
}
console.log(`${mutants.length - survivors} of ${mutants.length} mutants caught`);
process.exitCode = survivors === 0 ? 0 : 1;

function judge({ file, edits, test }) {
  const target = path.join(copy, file);
  const original = readFileSync(target, 'utf8');
  let edited = original;
  for (const [find, replacement] of edits) {
    // Once, so that a mutant says exactly what it breaks.
    if (edited.split(find).length !== 2) return `no place for '${find}':`;
    edited = edited.replace(find, () => replacement);
  }
  writeFileSync(target, edited);
  try {
    return jest([test]).passed ? 'SURVIVED' : 'caught';
  } finally {
    writeFileSync(target, original);
  }
}

function jest(tests) {
  const binary = path.join(root, 'node_modules', 'jest', 'bin', 'jest.js');
  const args = ['--selectProjects', 'unit', '--silent', '--runTestsByPath', ...tests];
  // A mutant may wait for ever.
  const options = { cwd: copy, encoding: 'utf8', timeout: 120_000 };
  const { status, stdout, stderr } = spawnSync(process.execPath, [binary, ...args], options);
  return { passed: status === 0, output: `${stdout}${stderr}` };
}
