import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { FAILPOINTS } from '../../../src/common/failpoints.ts';

const SOAK = join(process.cwd(), 'test/crash/soak.ts');
/** Protocol 1, of Kafka 3.9, has its shorter profile: `npm run test:matrix`. */
const isProtocol1 = (process.env['MILLRACE_KAFKA_VERSION'] ?? '').startsWith('3.');

jest.setTimeout(400_000);

interface Counts {
  readonly kills: number;
  readonly killsAt: Readonly<Record<string, number>>;
  readonly pauses: number;
  readonly brokerRestarts: number;
  readonly comparisons: number;
  readonly findings: number;
}

/** One round of the crash test as a program of its own, as `npm run soak` runs it. */
function soak(...args: string[]): Promise<{ readonly output: string; readonly counts: Counts }> {
  return new Promise((resolve, reject) => {
    const command = ['--import', 'tsx', SOAK, '--rounds', '1', '--minutes', '6', ...args];
    execFile(process.execPath, command, { maxBuffer: 1 << 26 }, (_error, stdout, stderr) => {
      const counted = /^SOAK (.*)$/m.exec(stdout)?.[1];
      if (counted === undefined)
        reject(new Error(`the crash test broke off:\n${stdout}\n${stderr}`));
      else resolve({ output: stdout, counts: JSON.parse(counted) as Counts });
    });
  });
}

test('killed at every crash point, paused, and with its broker killed, an application loses, doubles and wipes nothing', async () => {
  const { output, counts } = await soak('--profile', isProtocol1 ? 'short' : 'full');
  const findings = output.split('\n').filter((line) => line.startsWith('FINDING'));
  expect(findings).toEqual([]);
  expect(Object.keys(counts.killsAt).sort()).toEqual([...FAILPOINTS].sort());
  expect(counts).toMatchObject(
    isProtocol1 ? { findings: 0 } : { findings: 0, pauses: 1, brokerRestarts: 1 },
  );
  expect(counts.kills).toBeGreaterThanOrEqual(FAILPOINTS.length + (isProtocol1 ? 3 : 10));
  // The judge has compared the output, and refused each output that was made wrong on purpose: else it is a finding.
  expect(counts.comparisons).toBeGreaterThan(1_000);
});
