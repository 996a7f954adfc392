/**
 * Builds `dist/esm` and `dist/cjs`, both with types, from the same sources.
 *
 *     node scripts/build.mjs                 always
 *     node scripts/build.mjs --if-changed    only when a source is newer than the last build
 *
 * The compiler runs twice, at the same time. The first run checks types; the second only emits.
 */
import { spawn } from 'node:child_process';
import { cpSync, existsSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';

const root = path.join(import.meta.dirname, '..');
const dist = path.join(root, 'dist');
const stamp = path.join(dist, '.built');
const inputs = ['src', 'scripts/build.mjs', 'tsconfig.json', 'tsconfig.build.json', 'package.json'];

if (process.argv.includes('--if-changed') && isUpToDate()) process.exit(0);

rmSync(dist, { recursive: true, force: true });
const commonjs = ['--module', 'commonjs', '--moduleResolution', 'bundler'];
const codes = await Promise.all([
  compile(),
  compile(...commonjs, '--verbatimModuleSyntax', 'false', '--noCheck', '--outDir', 'dist/cjs'),
]);
if (codes.some((code) => code !== 0)) {
  rmSync(dist, { recursive: true, force: true });
  process.exit(1);
}
// What is written by hand in JavaScript goes along as it is, each file only where its kind is understood.
copyScripts('.js', 'esm');
copyScripts('.cjs', 'cjs');
writeFileSync(path.join(dist, 'cjs', 'package.json'), '{"type":"commonjs"}\n');
writeFileSync(stamp, '');

function compile(...flags) {
  const tsc = createRequire(import.meta.url).resolve('typescript/bin/tsc');
  const args = [tsc, '-p', 'tsconfig.build.json', ...flags];
  const child = spawn(process.execPath, args, { cwd: root, stdio: 'inherit' });
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('exit', resolve);
  });
}

function copyScripts(extension, folder) {
  for (const file of filesUnder('src')) {
    if (!file.endsWith(extension)) continue;
    const name = path.relative('src', file).slice(0, -extension.length);
    cpSync(path.join(root, file), path.join(dist, folder, `${name}.js`));
  }
}

function isUpToDate() {
  if (!existsSync(stamp)) return false;
  const builtMs = statSync(stamp).mtimeMs;
  return inputs
    .flatMap(filesUnder)
    .every((file) => statSync(path.join(root, file)).mtimeMs < builtMs);
}

function filesUnder(input) {
  if (statSync(path.join(root, input)).isFile()) return [input];
  const entries = readdirSync(path.join(root, input), { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => path.relative(root, path.join(entry.parentPath, entry.name)));
}
