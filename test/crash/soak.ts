// The crash test without end: `npm run soak -- --minutes n --seed s`. Rounds of kills, pauses and broker restarts on a real
// broker, each judged; what it counted so far goes to `--log` after each round, and a run with the same log goes on behind
// it. Ends with 1 at the first round with a finding, whose folder stays.
import { existsSync, readFileSync } from 'node:fs';
import { appendFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { startKafka } from '../../src/testing.ts';
import { addCounts, noCounts, type Counts } from './driver/counts.ts';
import type { Profile } from './driver/faults.ts';
import { runRound } from './driver/round.ts';

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '10' },
    seed: { type: 'string', default: '1' },
    /** At most so many rounds, whatever the minutes. */
    rounds: { type: 'string', default: 'Infinity' },
    /** `full`, or `short` for a quick look. */
    profile: { type: 'string', default: 'full' },
    log: { type: 'string' },
    quiet: { type: 'boolean', default: false },
  },
});

const PROFILES: Readonly<Record<string, Profile>> = {
  full: { eachFailpoint: 1, randomKills: 10, pauses: 1, brokerRestarts: 1 },
  short: { eachFailpoint: 1, randomKills: 3, pauses: 0, brokerRestarts: 0 },
};
const profile = PROFILES[values.profile];
if (profile === undefined) throw new Error(`there is no profile ${values.profile}: full or short`);

interface LoggedRound {
  readonly seed: number;
  readonly counts: Counts;
}

const totals = noCounts();
const log = values.log ?? null;
for (const line of log !== null && existsSync(log) ? readFileSync(log, 'utf8').split('\n') : []) {
  if (line !== '') addCounts(totals, (JSON.parse(line) as LoggedRound).counts);
}

const startMs = performance.now();
const endMs = startMs + Number(values.minutes) * 60_000;
const broker = await startKafka({
  source: 'own',
  properties: {
    // So that a broker that comes back has leaders before its coordinator ends a transaction (docs/reliability.md).
    'transaction.abort.timed.out.transaction.cleanup.interval.ms': '5000',
  },
});
say(`Kafka ${broker.version}, seed ${values.seed}, ${totals.rounds} rounds so far`);
let failed = false;
try {
  const last = Number(values.rounds);
  for (let round = totals.rounds; !failed && round < last && performance.now() < endMs; round++) {
    failed = !(await playRound(Number(values.seed) * 10_000 + round));
  }
} finally {
  await broker.stop();
}
process.stdout.write(`SOAK ${JSON.stringify({ broker: broker.version, ...totals })}\n`);
process.exitCode = failed || totals.rounds === 0 ? 1 : 0;

/** Returns whether nothing was found. */
async function playRound(seed: number): Promise<boolean> {
  const folder = await mkdtemp(join(tmpdir(), 'millrace-crash-'));
  const onProgress = values.quiet ? (): void => undefined : say;
  try {
    const { counts, findings } = await runRound({
      broker,
      seed,
      profile: profile as Profile,
      folder,
      onProgress,
    });
    addCounts(totals, counts);
    if (log !== null) await appendFile(log, `${JSON.stringify({ seed, counts })}\n`);
    say(`round ${totals.rounds}: ${JSON.stringify(totals)}`);
    if (findings.length === 0) {
      await rm(folder, { recursive: true });
      return true;
    }
    for (const finding of findings) process.stdout.write(`FINDING ${finding}\n`);
  } catch (error) {
    process.stdout.write(`FINDING the round with seed ${seed} broke off: ${String(error)}\n`);
  }
  process.stdout.write(`what is left of it: ${folder}\n`);
  return false;
}

function say(message: string): void {
  process.stdout.write(`${((performance.now() - startMs) / 1000).toFixed(1)} s ${message}\n`);
}
