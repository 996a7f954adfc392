/**
 * Damages everything that is read from brokers, other members and disks, and reports what is not refused as it should be:
 *
 *     npm run fuzz -- --cases 1000000 --seed 7 --target answers
 *
 * `--first` begins at the case with that index. Ends with status 1 after a finding.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { fuzz } from '../test/fuzz/fuzz.ts';
import { fuzzTargets } from '../test/fuzz/targets.ts';

const { values } = parseArgs({
  options: {
    cases: { type: 'string', default: '100000' },
    seed: { type: 'string', default: '1' },
    first: { type: 'string', default: '0' },
    target: { type: 'string' },
  },
});

const folder = await mkdtemp(join(tmpdir(), 'millrace-fuzz-'));
try {
  const all = await fuzzTargets(folder);
  const targets = all.filter(({ name }) => values.target === undefined || name === values.target);
  if (targets.length === 0) {
    throw new Error(`the targets are ${all.map(({ name }) => name).join(', ')}`);
  }
  for (const target of targets) {
    const startMs = performance.now();
    const { cases, findings, slowestMs } = await fuzz({
      target,
      cases: Number(values.cases),
      seed: Number(values.seed),
      first: Number(values.first),
    });
    const seconds = ((performance.now() - startMs) / 1000).toFixed();
    console.log(
      `${target.name}: ${cases} cases in ${seconds} s, slowest ${slowestMs.toFixed(1)} ms, ${findings.length} findings`,
    );
    for (const { index, what, problem, hex } of findings) {
      console.log(
        `  --target ${target.name} --first ${index} --cases 1: ${what}\n${problem}\n${hex}`,
      );
      process.exitCode = 1;
    }
  }
} finally {
  await rm(folder, { recursive: true, force: true });
}
