import { compareRuns, type Pair } from '../../../bench/comparison.ts';
import type { RunLine, Side } from '../../../bench/measure.ts';

const EXPECTED = { outputRecords: 100, checksum: 'c0ffee', rows: 10 };
const SETTING = { workload: 'W2', guarantee: 'eos', scale: 0.5, expected: EXPECTED } as const;

const line = (system: Side, cpu: number, changes: Partial<RunLine> = {}): RunLine => ({
  system,
  workload: 'W2',
  guarantee: 'eos',
  cache: 0,
  threads: 1,
  appId: 'app',
  complete: true,
  records: 1000,
  wallSeconds: 20,
  recordsPerSecond: 1000 / cpu,
  cpuSeconds: cpu,
  cpuSecondsPerMillion: cpu,
  lastHalfCpuSecondsPerMillion: cpu / 2,
  peakRssMiB: 100,
  changelogBytes: 0,
  repartitionBytes: 0,
  outputBytes: 0,
  ...EXPECTED,
  ...changes,
});

const pair = (ours: number, theirs: number): Pair => ({
  ours: line('millrace', ours),
  theirs: line('kafka-streams', theirs),
});

describe('a comparison', () => {
  test('is the ratio of the medians, with the least and the greatest of the pairs', () => {
    const result = compareRuns({ ...SETTING, cache: 0 }, [pair(1, 4), pair(2, 4), pair(4, 5)]);
    expect(result.cpuRatio).toEqual({ median: 0.5, min: 0.25, max: 0.8 });
    expect(result.rssRatio).toEqual({ median: 1, min: 1, max: 1 });
    expect(result.noFigure).toBeUndefined();
  });

  test.each([
    ['a wrong checksum', { checksum: 'bad' }, {}, 0],
    ['a wrong count', { outputRecords: 99 }, {}, 0],
    ['a run of theirs that is too short', {}, { wallSeconds: 11.9 }, 0],
    ['far fewer outputs behind a cache', { outputRecords: 79 }, {}, 1],
  ])('gives no figure for %s', (_, ours, theirs, cache) => {
    const result = compareRuns({ ...SETTING, cache }, [
      { ours: line('millrace', 1, ours), theirs: line('kafka-streams', 2, theirs) },
    ]);
    expect(result.noFigure).toBeDefined();
    expect(result.cpuRatio).toBeUndefined();
  });

  test('takes short runs of ours, and a different count where a cache is used', () => {
    const ours = line('millrace', 1, { wallSeconds: 2, outputRecords: 81 });
    const theirs = line('kafka-streams', 2);
    expect(compareRuns({ ...SETTING, cache: 1 }, [{ ours, theirs }]).cpuRatio?.median).toBe(0.5);
  });
});
