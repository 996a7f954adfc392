import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';

const ROOT = path.join(__dirname, '..', '..');
const text = (file: string): string => readFileSync(path.join(ROOT, file), 'utf8');

const list = text('scripts/mutants/list.mjs');
const names = [...list.matchAll(/name: (?:'([^']+)'|"([^"]+)")/g)].map(
  ([, single, double]) => single ?? double ?? '',
);
const table = new Map(
  [...text('docs/reliability.md').matchAll(/^\| (.+?) +\| (?:I\d+|—) +\| .+ \| `(.+)` +\|$/gm)].map(
    ([, name = '', test = '']) => [name, test] as const,
  ),
);

test('docs/reliability.md has a row for every mutant, and none for another', () => {
  expect([...table.keys()].sort()).toEqual([...names].sort());
});

test('the tests that it names are there', () => {
  const missing = [...table.values()].filter((file) => !existsSync(path.join(ROOT, 'test', file)));
  expect(missing).toEqual([]);
});
