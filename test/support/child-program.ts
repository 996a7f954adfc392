import { spawn, type ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';

/** Runs an ESM program, given as text, in a Node of its own that can import our TypeScript. */
export function runProgram(program: string, env: NodeJS.ProcessEnv = {}): ChildProcess {
  const args = ['--import', 'tsx', '--input-type=module', '-e', program];
  return spawn(process.execPath, args, {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, ...env },
  });
}

/** The first line of its output that matches. Reads no further, so call it once. */
export async function lineMatching(child: ChildProcess, pattern: RegExp): Promise<string> {
  if (child.stdout === null) throw new Error('the program has no stdout');
  for await (const line of createInterface({ input: child.stdout })) {
    if (pattern.test(line)) return line;
  }
  throw new Error(`the program ended without ${String(pattern)}`);
}
