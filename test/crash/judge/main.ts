// The judge of the crash test: `main.ts <case.json>`. It shares no line with the library. Prints what it compared and each
// finding; exits with 1 where there is one, or where it would have passed an output that was made wrong on purpose.
import { readFile } from 'node:fs/promises';
import type { Case } from './case.ts';
import { parseDump, type Dump, type DumpRecord } from './dump.ts';
import { Findings } from './findings.ts';
import { MUTATIONS } from './mutations.ts';
import { judgeOffsets } from './offsets.ts';
import { judgeOutputs, judgePriced } from './outputs.ts';
import { judgeStateFolders } from './state-folders.ts';

const run = JSON.parse(await readFile(process.argv[2] ?? '', 'utf8')) as Case;
const text = await readFile(run.dumpFile, 'utf8');
const acked = (await readFile(run.ackedFile, 'utf8')).split('\n').filter((id) => id !== '');

const findings = new Findings();
const dump = parseDump(text);
judgeOutputs(run, dump, findings);
judgeOffsets(run, dump, acked, findings);
await judgeStateFolders(run, dump, findings);
for (const line of findings.lines()) process.stdout.write(`FINDING ${line}\n`);

const passed = Object.entries(MUTATIONS).filter(([, mutate]) => {
  const mutated = new Findings();
  judgePriced(run, withPriced(dump, mutate), mutated);
  return mutated.isEmpty;
});
for (const [name] of passed) process.stdout.write(`FINDING the judge does not see that ${name}\n`);

process.stdout.write(
  `JUDGED ${JSON.stringify({
    input: (dump.records.get(run.topics.entries) ?? []).flat().length,
    compared: findings.checkedCount,
    mutations: Object.keys(MUTATIONS).length,
    refused: Object.keys(MUTATIONS).length - passed.length,
  })}\n`,
);
process.exitCode = findings.isEmpty && passed.length === 0 ? 0 : 1;

/** The dump with the largest partition of an output made wrong. */
function withPriced(
  original: Dump,
  mutate: (records: readonly DumpRecord[]) => readonly DumpRecord[],
): Dump {
  const { priced } = run.topics;
  const partitions = original.records.get(priced) ?? [];
  const sizes = partitions.map(({ length }) => length);
  const largest = sizes.indexOf(Math.max(...sizes));
  const wrong = partitions.map((records, at) => (at === largest ? mutate(records) : records));
  return { ...original, records: new Map([...original.records, [priced, wrong]]) };
}
