import { spawn } from 'node:child_process';
import { fuzz } from '../fuzz/fuzz.ts';
import type { FuzzTarget } from '../fuzz/target.ts';

/** A short profile of it. */
const COMMAND = ['--import', 'tsx', 'scripts/fuzz.ts', '--cases', '2000', '--seed', '20261123'];

describe('damaged bytes', () => {
  // In a process of its own: what other tests leave to this one's heap is none of its readers' memory.
  test('are refused with a typed error or give a value, fast and in bounded memory', async () => {
    const { code, output } = await run(COMMAND);
    expect(output).not.toMatch(/[1-9]\d* findings/);
    expect(output.match(/ 0 findings$/gm)?.length).toBeGreaterThanOrEqual(9);
    expect(code).toBe(0);
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

function run(args: readonly string[]): Promise<{ code: number | null; output: string }> {
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  const keep = (chunk: Buffer): void => {
    output += chunk.toString();
  };
  child.stdout.on('data', keep);
  child.stderr.on('data', keep);
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => {
      resolve({ code, output });
    });
  });
}
