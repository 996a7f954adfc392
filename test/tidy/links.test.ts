import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

const ROOT = path.join(__dirname, '..', '..');
const FOLDERS = ['.', 'docs', 'docs/adr', 'docker', 'examples/flight-delays'];

const documents = FOLDERS.flatMap((folder) =>
  readdirSync(path.join(ROOT, folder))
    .filter((name) => name.endsWith('.md'))
    .map((name) => path.join(folder, name)),
);

test.each(documents)('every link in %s leads somewhere', (document) => {
  const text = readFileSync(path.join(ROOT, document), 'utf8');
  const targets = [...text.matchAll(/\]\((?!https?:|#)([^)#]+)[^)]*\)/g)].map(([, to = '']) => to);
  const broken = targets.filter((to) => !existsSync(path.join(ROOT, path.dirname(document), to)));
  expect(broken).toEqual([]);
});

test.each(documents)('every source file that %s names exists', (document) => {
  const text = readFileSync(path.join(ROOT, document), 'utf8');
  const named = [...text.matchAll(/`((?:[a-z-]+\/)+[\w-]+\.m?ts)`/g)].map(([, file = '']) => file);
  const missing = named.filter(
    (file) => !existsSync(path.join(ROOT, file)) && !existsSync(path.join(ROOT, 'src', file)),
  );
  expect(missing).toEqual([]);
});
