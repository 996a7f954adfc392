/** Packs the built package and lets publint and are-the-types-wrong judge the tarball. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';

const root = path.join(import.meta.dirname, '..');
const folder = mkdtempSync(path.join(os.tmpdir(), 'millrace-package-'));
try {
  run('npm', 'pack', '--silent', '--ignore-scripts', '--pack-destination', folder);
  const tarball = path.join(folder, readdirSync(folder)[0]);
  run('npx', '--no', 'publint', tarball, '--strict');
  run('npx', '--no', 'attw', tarball, '--profile', 'node16', '--no-emoji');
} finally {
  rmSync(folder, { recursive: true, force: true });
}

function run(command, ...args) {
  const { status } = spawnSync(command, args, { cwd: root, stdio: 'inherit' });
  if (status !== 0) process.exitCode = 1;
}
