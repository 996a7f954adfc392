import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

/** Each measures one part by itself, in a process of its own: nothing of one is in the figures of another. */
const PARTS = ['codec', 'hashing', 'state', 'operators'] as const;

/**
 * Runs the micro-benchmarks that are named, or all; they print for themselves. What else is in `words` goes to them: the
 * operators take words of the cases to run.
 */
export async function runMicro(words: readonly string[], signal: AbortSignal): Promise<void> {
  const named = PARTS.filter((part) => words.includes(part));
  const rest = words.filter((word) => !PARTS.some((part) => part === word));
  for (const part of named.length === 0 ? PARTS : named) {
    console.log(`\n${part}`);
    const script = fileURLToPath(new URL(`./micro/${part}.js`, import.meta.url));
    const child = spawn(process.execPath, ['--expose-gc', script, ...rest], {
      stdio: 'inherit',
      signal,
    });
    const [code] = (await once(child, 'exit')) as [number | null]; // as Node documents it
    if (code !== 0) throw new Error(`${part} ended with ${code ?? 'a signal'}`);
  }
}
