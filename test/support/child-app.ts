import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { CountingProcess } from './counting-app.ts';
import { until } from './until.ts';

/** An application in a process of its own, to be killed. */
export interface ChildApp extends AsyncDisposable {
  /** States it has printed so far. */
  readonly states: readonly string[];
  readonly output: () => string;
  kill(signal: 'SIGKILL' | 'SIGTERM'): Promise<number | null>;
  /** SIGSTOP: its connections stay open, and it does not notice. */
  pause(): void;
  resume(): void;
}

/**
 * Starts the counting application; resolves when it has said that it is RUNNING. With `mostFileBlocks` no file of its may
 * become larger than so many blocks of the shell's: for it, the disk is full then.
 */
export async function startCountingApp(
  options: CountingProcess,
  { mostFileBlocks }: { readonly mostFileBlocks?: number } = {},
): Promise<ChildApp> {
  const limit = mostFileBlocks === undefined ? 'unlimited' : String(mostFileBlocks);
  const child = spawn(
    'sh',
    [
      '-c',
      'ulimit -f "$0"; exec "$@"',
      limit,
      process.execPath,
      '--import',
      'tsx',
      join(process.cwd(), 'test/support/counting-main.ts'),
    ],
    {
      env: { ...process.env, COUNTING_APP: JSON.stringify(options) },
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  );
  let output = '';
  const states: string[] = [];
  child.stdout.on('data', (data: Buffer) => {
    states.push(
      ...data
        .toString()
        .split('\n')
        .filter((line) => line !== ''),
    );
    output += data.toString();
  });
  child.stderr.on('data', (data: Buffer) => {
    output += data.toString();
  });
  const exited = once(child, 'exit');
  const kill = async (signal: 'SIGKILL' | 'SIGTERM'): Promise<number | null> => {
    if (child.exitCode === null && child.signalCode === null) {
      child.kill(signal);
      await exited;
    }
    return child.exitCode;
  };
  await until(
    'the application to run',
    () => {
      if (child.exitCode !== null) throw new Error(`the application ended: ${output}`);
      return states.includes('RUNNING');
    },
    30_000,
  );
  return {
    states,
    output: () => output,
    kill,
    pause: () => child.kill('SIGSTOP'),
    resume: () => child.kill('SIGCONT'),
    [Symbol.asyncDispose]: async () => {
      await kill('SIGKILL');
    },
  };
}
