import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

const ROOT = path.join(__dirname, '..', '..');
const document = readFileSync(path.join(ROOT, 'docs/metrics.md'), 'utf8');
const sources = readdirSync(path.join(ROOT, 'src'), { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.ts'))
  .map((file) => readFileSync(path.join(ROOT, 'src', file), 'utf8'));

function all(pattern: RegExp, text: string): string[] {
  return [...new Set([...text.matchAll(pattern)].map(([, name = '']) => name))].sort();
}

test('docs/metrics.md lists every metric of the code and no other', () => {
  const made = /\.(?:counter|gauge|histogram|observe)\(\s*'([\w-]+)'/g;
  const [table = ''] = document.split('## Why a record is dropped');
  expect(all(/^\| `([\w-]+)`/gm, table)).toEqual(all(made, sources.join('\n')));
});

test('docs/metrics.md lists every reason for which a record is dropped and no other', () => {
  const [, table = ''] = document.split('## Why a record is dropped');
  const union = readFileSync(path.join(ROOT, 'src/processor/dropped-reason.ts'), 'utf8');
  expect(all(/^\| `([\w-]+)`/gm, table)).toEqual(all(/\| '([\w-]+)'/g, union));
});
