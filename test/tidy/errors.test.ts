import { readFileSync } from 'node:fs';
import path from 'node:path';
import { RECOVERY } from '../../src/common/errors.ts';

const text = readFileSync(path.join(__dirname, '../../docs/errors.md'), 'utf8');

/** Heading to the first word below it, which is the recovery. */
const documented: Record<string, string> = Object.fromEntries(
  [...text.matchAll(/^### (STREAMS_\w+)\n\n(\w+)/gm)].map(([, code = '', recovery = '']) => [
    code,
    recovery,
  ]),
);

test('docs/errors.md explains every error code, with its recovery, and no other', () => {
  expect(documented).toEqual(RECOVERY);
});
