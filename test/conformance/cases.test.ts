import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { readCases } from './case.ts';
import { isInformative, runCases } from './run-cases.ts';
import { CONFORMANCE } from './shared-folder.ts';

/** Of each file, the cases that do not pass yet: the list may only get shorter. */
const NOT_YET = JSON.parse(readFileSync(path.join(__dirname, 'not-yet.json'), 'utf8')) as Readonly<
  Record<string, readonly string[]>
>; // a file of ours

const folder = path.join(CONFORMANCE, 'cases');
const files = existsSync(folder) ? readCases(folder) : [];

test('the list of cases that do not pass yet names no file twice or in vain', () => {
  if (files.length === 0) return;
  expect(files.map(({ name }) => name)).toEqual(expect.arrayContaining(Object.keys(NOT_YET)));
});

if (files.length > 0) {
  test.each(files)(
    '$name gives what Kafka Streams gives, but for the cases that are listed',
    async (file) => {
      const informative = new Set(file.cases.filter(isInformative).map(({ id }) => id));
      const failing = new Map<string, string>();
      for await (const { id, failures } of runCases(file)) {
        const [first] = failures;
        if (first !== undefined && !informative.has(id)) failing.set(id, first.message);
      }
      const listed = new Set(NOT_YET[file.name]);
      const regressed = [...failing].filter(([id]) => !listed.has(id));
      const mended = [...listed].filter((id) => !failing.has(id));
      // What has regressed must be mended; what passes now must leave not-yet.json.
      expect({ regressed, mended }).toEqual({ regressed: [], mended: [] });
    },
    120_000,
  );
}
