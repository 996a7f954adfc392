import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

const FOLDER = path.join(__dirname, '..', '..', 'docs', 'adr');

test('docs/adr/README.md lists every decision, in order', () => {
  const files = readdirSync(FOLDER).filter((name) => /^\d{4}-.*\.md$/.test(name));
  const index = readFileSync(path.join(FOLDER, 'README.md'), 'utf8');
  const listed = [...index.matchAll(/\]\((\d{4}-[^)]*)\)/g)].map(([, file = '']) => file);
  expect(listed).toEqual(files.sort());
});
