import { fuzz } from '../fuzz/fuzz.ts';
import type { FuzzTarget } from '../fuzz/target.ts';
import { fuzzTargets } from '../fuzz/targets.ts';
import { tempFolder, type TempFolder } from '../support/temp-folder.ts';

/** A short profile of `npm run fuzz`; the preflight writes files for each case. */
const CASES = 3_000;
const CASES_ON_DISK = 500;

describe('damaged bytes', () => {
  let folder: TempFolder;
  let targets: readonly FuzzTarget[];
  beforeAll(async () => {
    folder = await tempFolder();
    targets = await fuzzTargets(folder.path);
  });
  afterAll(() => folder[Symbol.asyncDispose]());

  test('are refused with a typed error or give a value, fast and in bounded memory', async () => {
    for (const target of targets) {
      const cases = target.name === 'preflight' ? CASES_ON_DISK : CASES;
      const { findings } = await fuzz({ target, cases, seed: 20_261_123 });
      expect({ target: target.name, findings }).toEqual({ target: target.name, findings: [] });
    }
  }, 60_000);

  test('that crash, hang or take too much are found', async () => {
    const failing = (run: () => unknown): FuzzTarget => ({
      name: 'failing',
      create: () => ({ what: 'anything', bytes: new Uint8Array(1), run }),
    });
    const kept: unknown[] = [];
    const problems = [
      () => {
        throw new RangeError('out of bounds');
      },
      () => {
        for (const end = performance.now() + 60; performance.now() < end;);
      },
      () => kept.push(Buffer.alloc(2 << 20)),
    ];
    for (const run of problems) {
      const { findings } = await fuzz({ target: failing(run), cases: 1, seed: 1 });
      expect(findings).toHaveLength(1);
    }
  });
});
