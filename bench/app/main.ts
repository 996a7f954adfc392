/**
 * The measured process: one application of the benchmark, built code, alone in its process.
 *
 *     run <workload>   one run over the input; prints one JSON line
 *     restart          one start with state that is there; prints one JSON line
 *     serve            until SIGTERM; prints EVENT lines
 */
import { measuredRun } from './measured-run.ts';
import { parseAppArguments } from './options.ts';
import { restart } from './restart.ts';
import { serve } from './serve.ts';

async function main(): Promise<void> {
  const args = parseAppArguments(process.argv.slice(2));
  switch (args.command) {
    case 'run':
      console.log(JSON.stringify(await measuredRun(args)));
      break;
    case 'restart':
      console.log(JSON.stringify(await restart(args)));
      break;
    case 'serve':
      await serve(args);
      break;
    default:
      throw new Error(`there is no command '${args.command}'`);
  }
}

main().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
