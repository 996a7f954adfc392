/**
 * The benchmark; bench/README.md has the workloads and how to read the figures.
 *
 *     npm run bench -- <workload>... [--guarantee alo|eos] [--cache bytes] [--scale x] [--threads n] [--reps n] [--unpinned]
 *     npm run bench -- compare <workload>... [--guarantee alo,eos] [--cache bytes] [--scale x] [--reps n] [--json] [--write]
 *     npm run bench -- gen|expect <workload>...
 *     npm run bench -- check <workload> --app-id <id>
 *     npm run bench -- micro [codec|hashing|state|operators]... [options of these]
 *     npm run bench -- operators [words of cases]
 *     npm run bench -- restarts [--reps n]
 */
import { randomBytes } from 'node:crypto';
import { parseArgs } from 'node:util';
import { checkOutput } from './check-output.ts';
import { compareRuns, type Comparison, type Pair } from './comparison.ts';
import { checkedChangelog, isWorkload, outputTopic, type Workload } from './data/workloads.ts';
import type { Result } from './data/result.ts';
import { expectResult, generate, isGenerated } from './generate.ts';
import { runMicro } from './micro.ts';
import { measure, type Guarantee, type RunLine, type Side } from './measure.ts';
import { comparisonText, writePerformance, type Measured } from './performance.ts';
import { measureRestarts } from './restarts/restarts.ts';
import { openSession, type Session } from './session.ts';

const OPTIONS = {
  guarantee: { type: 'string' },
  cache: { type: 'string', default: '0' },
  scale: { type: 'string' },
  threads: { type: 'string', default: '1' },
  reps: { type: 'string' },
  brokers: { type: 'string' },
  'app-id': { type: 'string' },
  'state-dir': { type: 'string' },
  /** `kafka-streams` runs the other side alone. */
  side: { type: 'string', default: 'millrace' },
  /** Leave topics and state for a restart. */
  keep: { type: 'boolean', default: false },
  /** A folder for CPU profiles of ours. */
  profile: { type: 'string' },
  /** The application may use every core, and so may the broker. */
  unpinned: { type: 'boolean', default: false },
  json: { type: 'boolean', default: false },
  write: { type: 'boolean', default: false },
  'timeout-seconds': { type: 'string', default: '1800' },
} as const;

type Values = ReturnType<typeof parseArgs<{ options: typeof OPTIONS }>>['values'];

/** Kafka Streams runs for at least 12 s at these. */
const COMPARED_SCALES: Readonly<Record<Workload, number>> = {
  W0: 3,
  W1: 3,
  W1j: 3,
  W2: 0.5,
  W6: 0.4,
};
const COMPARED_REPS = 5;
const RESTARTS_REPS = 3;
const COMMANDS = ['run', 'compare', 'gen', 'expect', 'check', 'restarts'] as const;

async function main(args: readonly string[], signal: AbortSignal): Promise<void> {
  const [first = '', ...rest] = args;
  if (first === 'micro' || first === 'operators') {
    await runMicro(first === 'micro' ? rest : args, signal);
    return;
  }
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: OPTIONS,
  });
  const command = COMMANDS.find((name) => name === positionals[0]);
  const workloads = positionals.slice(command === undefined ? 0 : 1).map(workloadOf);
  if (workloads.length === 0 && command !== 'restarts') {
    throw new Error('name a workload: W0, W1, W1j, W2 or W6');
  }
  await using session = await openSession({
    brokers: values.brokers,
    pinned: !values.unpinned,
    signal,
    onProgress: (message) => {
      console.error(message);
    },
  });
  switch (command) {
    case 'gen':
      for (const workload of workloads) {
        const scale = scaleOf(values, workload, 1);
        print({ gen: workload, scale, records: await generate(session.cluster, workload, scale) });
      }
      break;
    case 'expect':
      for (const workload of workloads) {
        print({ expect: workload, ...(await expectResult(session.cluster, workload)) });
      }
      break;
    case 'check':
      await check(session, workloads, values);
      break;
    case 'compare':
      await compare(session, workloads, values);
      break;
    case 'restarts':
      print(await measureRestarts(session, Number(values.reps ?? RESTARTS_REPS)));
      break;
    case 'run':
    case undefined:
      await run(session, workloads, values);
  }
}

async function check(
  { cluster }: Session,
  workloads: readonly Workload[],
  values: Values,
): Promise<void> {
  const applicationId = values['app-id'];
  if (applicationId === undefined) throw new Error('check needs the --app-id of a run');
  for (const workload of workloads) {
    const output = outputTopic(applicationId);
    const changelog = checkedChangelog(workload, applicationId);
    print({ check: workload, ...(await checkOutput(cluster, workload, { output, changelog })) });
  }
}

async function run(
  session: Session,
  workloads: readonly Workload[],
  values: Values,
): Promise<void> {
  for (const workload of workloads) {
    const scale = scaleOf(values, workload, 1);
    print({ expect: workload, scale, ...(await prepare(session, workload, scale)) });
    for (const guarantee of guaranteesOf(values, 'alo')) {
      for (let rep = 0; rep < Number(values.reps ?? 1); rep++) {
        print(await measureOne(session, sideOf(values.side), workload, guarantee, values));
      }
    }
  }
}

/** Both sides in turn on the same broker and topics. */
async function compare(
  session: Session,
  workloads: readonly Workload[],
  values: Values,
): Promise<void> {
  const measured: Measured[] = [];
  for (const workload of workloads) {
    const scale = scaleOf(values, workload, COMPARED_SCALES[workload]);
    const expected = await prepare(session, workload, scale);
    for (const guarantee of guaranteesOf(values, 'alo,eos')) {
      const pairs: Pair[] = [];
      for (let rep = 0; rep < Number(values.reps ?? COMPARED_REPS); rep++) {
        const ours = await measureOne(session, 'millrace', workload, guarantee, values);
        console.error(JSON.stringify(ours));
        const theirs = await measureOne(session, 'kafka-streams', workload, guarantee, values);
        console.error(JSON.stringify(theirs));
        pairs.push({ ours, theirs });
      }
      const setting = { workload, guarantee, cache: Number(values.cache), scale, expected };
      const comparison: Comparison = compareRuns(setting, pairs);
      measured.push({ comparison, pairs });
      if (values.json) print(comparison);
      else console.log(comparisonText(comparison));
    }
  }
  if (values.write) await writePerformance(measured, session);
}

function measureOne(
  session: Session,
  side: Side,
  workload: Workload,
  guarantee: Guarantee,
  values: Values,
): Promise<RunLine> {
  const { 'app-id': applicationId, 'state-dir': stateDir, profile } = values;
  return measure(session, {
    side,
    workload,
    guarantee,
    cacheBytes: Number(values.cache),
    threads: Number(values.threads),
    applicationId: applicationId ?? newApplicationId(side, workload),
    ...(stateDir === undefined ? {} : { stateDir }),
    keep: values.keep,
    ...(profile === undefined ? {} : { profileFolder: profile }),
    timeoutMs: Number(values['timeout-seconds']) * 1000,
  });
}

/** Writes the input if it is not there, and computes what a correct run gives, which reads all of it once. */
async function prepare(session: Session, workload: Workload, scale: number): Promise<Result> {
  const { cluster } = session;
  if (!(await isGenerated(cluster, workload, scale))) await generate(cluster, workload, scale);
  return expectResult(cluster, workload);
}

function newApplicationId(side: Side, workload: Workload): string {
  return `bench-${side}-${workload.toLowerCase()}-${randomBytes(4).toString('hex')}`;
}

function scaleOf(values: Values, workload: Workload, fallback: number): number {
  const scale = Number(values.scale ?? fallback);
  if (scale > 0) return scale;
  throw new Error(`--scale of ${workload} takes a number above 0`);
}

function workloadOf(text: string): Workload {
  if (isWorkload(text)) return text;
  throw new Error(`there is no workload ${text}`);
}

function sideOf(text: string): Side {
  if (text === 'millrace' || text === 'kafka-streams') return text;
  throw new Error(`--side takes millrace or kafka-streams, not ${text}`);
}

function guaranteesOf(values: Values, fallback: string): readonly Guarantee[] {
  return (values.guarantee ?? fallback).split(',').map((text) => {
    if (text === 'alo' || text === 'eos') return text;
    throw new Error(`--guarantee takes alo and eos, not ${text}`);
  });
}

function print(line: object): void {
  console.log(JSON.stringify(line));
}

const abort = new AbortController();
for (const name of ['SIGINT', 'SIGTERM'] as const) {
  process.once(name, () => {
    abort.abort(new Error('interrupted'));
  });
}
main(process.argv.slice(2), abort.signal).catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
