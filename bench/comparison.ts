import type { Result } from './data/result.ts';
import type { Workload } from './data/workloads.ts';
import type { Guarantee, RunLine } from './measure.ts';

/** One run of ours and one of theirs, one directly after the other. */
export interface Pair {
  readonly ours: RunLine;
  readonly theirs: RunLine;
}

/** Ours / theirs: of the medians, and the least and greatest of the pairs. */
export interface Ratio {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

/** Either ratios or the reason why there are none. */
export interface Comparison {
  readonly workload: Workload;
  readonly guarantee: Guarantee;
  readonly cache: number;
  readonly scale: number;
  readonly reps: number;
  readonly cpuRatio?: Ratio;
  readonly cpuRatioWarm?: Ratio;
  readonly rssRatio?: Ratio;
  readonly throughputRatio?: Ratio;
  readonly noFigure?: string;
}

export interface ComparedSetting {
  readonly workload: Workload;
  readonly guarantee: Guarantee;
  readonly cache: number;
  readonly scale: number;
  readonly expected: Result;
}

/** A shorter run of a JVM is mostly its warm-up. */
const LEAST_SECONDS = 12;
const OUTPUTS_ALIKE = { least: 0.8, most: 1.25 } as const;

/** What the runs of both sides say, if each is right, long enough and did the same work. */
export function compareRuns(setting: ComparedSetting, pairs: readonly Pair[]): Comparison {
  const { workload, guarantee, cache, scale } = setting;
  const head = { workload, guarantee, cache, scale, reps: pairs.length };
  const problem = problemOf(setting, pairs);
  if (problem !== null) return { ...head, noFigure: problem };
  const warm = pairs.every(({ ours, theirs }) => isWarm(ours) && isWarm(theirs));
  return {
    ...head,
    cpuRatio: ratio(pairs, (run) => run.cpuSecondsPerMillion),
    ...(warm ? { cpuRatioWarm: ratio(pairs, (run) => run.lastHalfCpuSecondsPerMillion ?? 0) } : {}),
    rssRatio: ratio(pairs, (run) => run.peakRssMiB),
    throughputRatio: ratio(pairs, (run) => run.recordsPerSecond),
  };
}

const isWarm = (run: RunLine): boolean => run.lastHalfCpuSecondsPerMillion !== undefined;

function problemOf({ expected, cache }: ComparedSetting, pairs: readonly Pair[]): string | null {
  if (pairs.length === 0) return 'nothing was run';
  for (const run of pairs.flatMap(({ ours, theirs }) => [ours, theirs])) {
    const { system, appId, checksum, outputRecords } = run;
    if (checksum !== expected.checksum) {
      return `${system} ${appId}: checksum ${checksum}, expected ${expected.checksum}`;
    }
    if (cache === 0 && outputRecords !== expected.outputRecords) {
      return `${system} ${appId}: ${outputRecords} outputs, expected ${expected.outputRecords}`;
    }
  }
  const shortest = Math.min(...pairs.map(({ theirs }) => theirs.wallSeconds));
  if (shortest < LEAST_SECONDS) {
    return `Kafka Streams ran for ${shortest} s only, which is mostly warm-up: raise --scale`;
  }
  const outputs = ratio(pairs, (run) => run.outputRecords);
  if (cache > 0 && (outputs.median < OUTPUTS_ALIKE.least || outputs.median > OUTPUTS_ALIKE.most)) {
    return `${outputs.median} times their outputs: with a cache, only runs with about as many compare`;
  }
  return null;
}

function ratio(pairs: readonly Pair[], of: (run: RunLine) => number): Ratio {
  const ratios = pairs.map(({ ours, theirs }) => of(ours) / of(theirs));
  const [ours, theirs] = [pairs.map((pair) => of(pair.ours)), pairs.map((pair) => of(pair.theirs))];
  return {
    median: hundredths(median(ours) / median(theirs)),
    min: hundredths(Math.min(...ratios)),
    max: hundredths(Math.max(...ratios)),
  };
}

export function median(numbers: readonly number[]): number {
  const sorted = [...numbers].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  const [low = 0, high = 0] = [sorted[Math.ceil(middle) - 1], sorted[Math.floor(middle)]];
  return (low + high) / 2;
}

const hundredths = (value: number): number => Math.round(value * 100) / 100;
