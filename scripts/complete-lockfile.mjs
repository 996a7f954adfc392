/**
 * Adds to package-lock.json what npm has left out: packages for other platforms that the registry at hand does not
 * have. Without their entries `npm ci` fails everywhere; with them it skips them where they do not fit. Run it after
 * `npm install` where test/tidy/lockfile.test.ts says so.
 *
 * It knows packages whose name ends in their platform, such as `-linux-arm-gnueabihf`, and whose version is exact.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';

const PLATFORM = /-(darwin|linux|win32|freebsd|android|openharmony)-(\w+)(?:-(\w+))?$/;
const LIBC = { gnu: 'glibc', gnueabihf: 'glibc', musl: 'musl', musleabihf: 'musl' };

const file = path.join(import.meta.dirname, '..', 'package-lock.json');
const lock = JSON.parse(readFileSync(file, 'utf8'));
const added = [];
for (const entry of Object.values(lock.packages)) {
  for (const [name, version] of Object.entries(entry.optionalDependencies ?? {})) {
    const place = `node_modules/${name}`;
    const [, os, cpu, abi] = PLATFORM.exec(name) ?? [];
    if (os === undefined || lock.packages[place] || !/^\d+\.\d+\.\d+$/.test(version)) continue;
    lock.packages[place] = {
      version,
      cpu: [cpu],
      ...(entry.dev ? { dev: true } : {}),
      ...(os === 'linux' && LIBC[abi] ? { libc: [LIBC[abi]] } : {}),
      optional: true,
      os: [os],
    };
    added.push(name);
  }
}
lock.packages = Object.fromEntries(
  Object.entries(lock.packages).sort(([a], [b]) => a.localeCompare(b, 'en')),
);
writeFileSync(file, `${JSON.stringify(lock, null, 2)}\n`);
console.log(`${added.length} packages added${added.map((name) => `\n  ${name}`).join('')}`);
