/**
 * The measured process: one application of the benchmark, built code, alone in its process.
 *
 *     run <workload>   one run over the input; prints one JSON line
 */
import { measuredRun } from './measured-run.ts';
import { parseAppArguments } from './options.ts';

async function main(): Promise<void> {
  const args = parseAppArguments(process.argv.slice(2));
  switch (args.command) {
    case 'run':
      console.log(JSON.stringify(await measuredRun(args)));
      break;
    default:
      throw new Error(`there is no command '${args.command}'`);
  }
}

main().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
