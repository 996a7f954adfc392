import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { KafkaStreams } from 'millrace';
import { Cluster, sum } from '../cluster.ts';
import { inputTopic, type Workload } from '../data/workloads.ts';
import { streamsOptions, type AppArguments } from './options.ts';
import { markNow, peakRssMiB, Probe, type Mark } from './probe.ts';
import { topologyOf, type TopologyQuery } from './topologies.ts';

/** What one run took, as it is printed. Without `lastHalf…` where the input is read before it can be told apart. */
export interface Measurement {
  readonly records: number;
  readonly wallSeconds: number;
  readonly recordsPerSecond: number;
  readonly lastHalfRecords?: number;
  readonly lastHalfRecordsPerSecond?: number;
  readonly lastHalfCpuSeconds?: number;
  readonly lastHalfCpuSecondsPerMillion?: number;
  readonly cpuSeconds: number;
  readonly cpuSecondsPerMillion: number;
  readonly peakRssMiB: number;
  /** Of ours: how late a timer of the main thread is, which is what an HTTP server in the same process would feel. */
  readonly eventLoopDelayP99Ms?: number;
  /** The runtime, under its name. */
  readonly node?: string;
  readonly java?: string;
}

const COMMIT_POLL_MS = 20;

/**
 * Runs an application over an input from its first record until everything is committed: the input partitions up to
 * their ends, then the repartition partitions up to theirs. Start and shutdown are not in the figures.
 */
export async function measuredRun(args: AppArguments): Promise<Measurement> {
  const { workload, applicationId, cacheBytes, liveOnly } = args;
  await using cluster = await Cluster.connect(args.brokers);
  const input = inputTopic(workload);
  const ends = await cluster.ends(input);
  const records = sum(ends);
  const probe = new Probe(records);
  const inWorkers = args.threads > 1;
  const source = { applicationId, cached: cacheBytes > 0, liveOnly };
  const topology = inWorkers
    ? topologyModule(workload, source)
    : topologyOf(workload, { ...source, probe });
  await using streams = new KafkaStreams(topology, streamsOptions(args));
  const delay = monitorEventLoopDelay({ resolution: 1 });
  await streams.start();
  delay.enable();
  // Workers count their records for themselves: the first one comes as soon as they run.
  if (inWorkers) probe.first = markNow(0);

  const isCommitted = async (
    topic: string,
    last: readonly number[],
    slack: number,
  ): Promise<boolean> => {
    const committed = await cluster.committed(applicationId, topic);
    return last.every((end, partition) => end === 0 || (committed[partition] ?? 0) >= end - slack);
  };
  const until = async (isReached: () => Promise<boolean>): Promise<void> => {
    while (!(await isReached())) {
      if (streams.error !== null) throw streams.error;
      await sleep(COMMIT_POLL_MS);
    }
  };
  await until(() => Promise.resolve(inWorkers || probe.records >= records));
  await until(() => isCommitted(input, ends, 0));
  // No more records reach the repartition topics: they have their ends.
  const isInternal = (name: string): boolean =>
    name.startsWith(`${applicationId}-`) && name.endsWith('-repartition');
  for (const topic of (await cluster.topics()).filter(isInternal)) {
    const last = await cluster.ends(topic);
    // The last offset is a commit marker under exactly once, which nobody has to pass.
    await until(() => isCommitted(topic, last, args.guarantee === 'eos' ? 1 : 0));
  }
  const end = markNow(records);
  const peakMiB = peakRssMiB();
  delay.disable();
  await streams.close();
  return {
    ...measurement(probe, end, peakMiB),
    eventLoopDelayP99Ms: rounded(delay.percentile(99) / 1e6),
  };
}

function topologyModule(workload: Workload, options: TopologyQuery): URL {
  const module = new URL('./topology-module.js', import.meta.url);
  module.hash = encodeURIComponent(JSON.stringify({ workload, ...options }));
  return module;
}

function measurement({ first, middle }: Probe, end: Mark, peakMiB: number): Measurement {
  if (first === null) throw new Error('no record was read');
  const { records } = end;
  const wallSeconds = (end.wallMs - first.wallMs) / 1000;
  const cpuSeconds = (end.cpuMs - first.cpuMs) / 1000;
  return {
    records,
    wallSeconds: rounded(wallSeconds),
    recordsPerSecond: rounded(records / wallSeconds),
    ...(middle === null ? {} : lastHalf(middle, end)),
    cpuSeconds: rounded(cpuSeconds),
    cpuSecondsPerMillion: rounded((cpuSeconds * 1e6) / records),
    peakRssMiB: rounded(peakMiB),
    node: process.version,
  };
}

function lastHalf(middle: Mark, end: Mark): Partial<Measurement> {
  const records = end.records - middle.records;
  const cpuSeconds = (end.cpuMs - middle.cpuMs) / 1000;
  return {
    lastHalfRecords: records,
    lastHalfRecordsPerSecond: rounded((records * 1000) / (end.wallMs - middle.wallMs)),
    lastHalfCpuSeconds: rounded(cpuSeconds),
    lastHalfCpuSecondsPerMillion: rounded((cpuSeconds * 1e6) / records),
  };
}

export function rounded(value: number): number {
  return Math.round(value * 1000) / 1000;
}
