import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { readCases } from './case.ts';
import { isInformative, isLeftOut, runCases, type CaseResult } from './run-cases.ts';

/**
 * `npm run conformance -- <folder> [--report file.json]`: runs the case files of a folder with stores in LevelDB and
 * again in memory. Prints the first difference of each failure, then what passed and failed by operator (a case counts
 * for each of its operators), and last `N passed, N failed`. Fails if a case does.
 */
async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { report: { type: 'string' } },
  });
  const [folder] = positionals;
  if (folder === undefined) {
    console.error('usage: npm run conformance -- <folder> [--report file.json]');
    process.exitCode = 2;
    return;
  }

  const files = readCases(folder);
  const cases = files.flatMap((file) => file.cases);
  const informative = new Set(cases.filter(isInformative).map(({ id }) => id));
  const results: CaseResult[] = [];
  for (const file of files) {
    for await (const result of runCases(file)) {
      const passed = result.failures.length === 0;
      for (const { storage, message } of result.failures) {
        const note = informative.has(result.id) ? ' (informative)' : '';
        console.log(`FAILED ${result.file} ${result.id} with ${storage}${note}: ${message}`);
      }
      if (passed || !informative.has(result.id)) results.push(result);
    }
  }

  const passed = results.filter(({ failures }) => failures.length === 0).length;
  const failed = results.length - passed;
  printByOperator(results);
  const leftOut = cases.filter(isLeftOut).length;
  if (leftOut > 0)
    console.log(`${leftOut} left out, whose semantics Kafka 4 has removed (legacy-eager)`);
  if (values.report !== undefined) {
    writeFileSync(
      values.report,
      `${JSON.stringify({ passed, failed, leftOut, results }, null, 2)}\n`,
    );
  }
  console.log(`${passed} passed, ${failed} failed`);
  if (failed > 0) process.exitCode = 1;
}

function printByOperator(results: readonly CaseResult[]): void {
  const operators = [...new Set(results.flatMap(({ operators }) => operators))].sort();
  console.log('operator         passed  failed');
  for (const operator of operators) {
    const concerned = results.filter((result) => result.operators.includes(operator));
    const failed = concerned.filter(({ failures }) => failures.length > 0).length;
    const columns = [concerned.length - failed, failed].map((count) => String(count).padStart(8));
    console.log(`${operator.padEnd(15)}${columns.join('')}`);
  }
}

await main();
