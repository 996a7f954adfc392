import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';

const ROOT = path.join(__dirname, '../..');
const lines = readFileSync(path.join(ROOT, 'docs/parity.md'), 'utf8').split('\n');
const isRow = (line: string | undefined): boolean => line?.startsWith('|') === true;
const rows = lines.filter(isRow).map((line) => line.split('|').slice(1, -1));

test('docs/parity.md has one table: every row has a column of tests', () => {
  const begins = lines.filter((line, i) => isRow(line) && !isRow(lines[i - 1]));
  expect(begins).toHaveLength(1);
  expect(rows.filter((cells) => cells.length !== 4)).toEqual([]);
});

test('every row of docs/parity.md names tests that exist', () => {
  const wrong = rows.slice(2).flatMap(([id = '', , , tests = '']) => {
    const named = [...tests.matchAll(/`([^`]+)`/g)].map(([, name = '']) => name);
    const missing = named.filter((name) => {
      const file = name.startsWith('test/') ? name : `test/unit/${name}`;
      return !existsSync(path.join(ROOT, `${file}.test.ts`));
    });
    return named.length === 0 ? [`${id.trim()}: none`] : missing;
  });
  expect(wrong).toEqual([]);
});
