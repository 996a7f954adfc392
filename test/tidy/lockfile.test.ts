import { readFileSync } from 'node:fs';
import path from 'node:path';

interface Entry {
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

const file = path.join(__dirname, '..', '..', 'package-lock.json');
const lock = JSON.parse(readFileSync(file, 'utf8')) as { packages: Record<string, Entry> };

/** Node's way of finding a package, over the entries of the lock file. */
function isLocked(from: string, name: string): boolean {
  for (
    let folder = from;
    ;
    folder = folder.slice(0, Math.max(0, folder.lastIndexOf('/node_modules/')))
  ) {
    const place = `${folder === '' ? '' : `${folder}/`}node_modules/${name}`;
    if (place in lock.packages) return true;
    if (folder === '') return false;
  }
}

test('the lock file has every package that one of its packages asks for, on whatever platform', () => {
  const missing = Object.entries(lock.packages).flatMap(([from, entry]) =>
    Object.keys({ ...entry.dependencies, ...entry.optionalDependencies }).filter(
      (name) => !isLocked(from, name),
    ),
  );
  // Where there are some: node scripts/complete-lockfile.mjs. Without them `npm ci` fails.
  expect(missing).toEqual([]);
});
