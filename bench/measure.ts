import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Measurement } from './app/measured-run.ts';
import { checkOutput } from './check-output.ts';
import { checkedChangelog, liveTopic, outputTopic, type Workload } from './data/workloads.ts';
import { kafkaStreams } from './kafka-streams.ts';
import type { Session } from './session.ts';
import { topicBytes } from './topic-bytes.ts';

export type Guarantee = 'alo' | 'eos';
export type Side = 'millrace' | 'kafka-streams';

export interface MeasureOptions {
  readonly side: Side;
  readonly workload: Workload;
  readonly guarantee: Guarantee;
  readonly cacheBytes: number;
  readonly threads: number;
  readonly applicationId: string;
  /** Left out: a folder that is removed afterwards. */
  readonly stateDir?: string;
  /** Leave topics and state for a restart. */
  readonly keep?: boolean;
  readonly timeoutMs: number;
  /** Where to write a CPU profile; profiled figures are no figures. */
  readonly profileFolder?: string;
}

/** The line that a run prints, of either side. */
export interface RunLine extends Measurement {
  readonly system: Side;
  readonly workload: Workload;
  readonly guarantee: Guarantee;
  readonly cache: number;
  readonly threads: number;
  readonly appId: string;
  readonly complete: boolean;
  readonly changelogBytes: number;
  readonly repartitionBytes: number;
  readonly outputBytes: number;
  readonly outputRecords: number;
  readonly checksum: string;
}

const APPLICATION = fileURLToPath(new URL('./app/main.js', import.meta.url));

/** What begins the command line of a side's application. */
export type Launch = readonly [program: string, ...args: string[]];

const ours = (profileFolder: string | undefined): Launch => [
  process.execPath,
  ...(profileFolder === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${profileFolder}`]),
  APPLICATION,
];

/** One measured run in a process of its own, its output checked; topics and state are removed afterwards. */
export async function measure(session: Session, options: MeasureOptions): Promise<RunLine> {
  const { cluster, broker } = session;
  const { side, workload, guarantee, cacheBytes, threads, applicationId, keep = false } = options;
  const folder = options.stateDir ?? (await mkdtemp(path.join(tmpdir(), 'millrace-bench-')));
  const output = outputTopic(applicationId);
  await cluster.createTopic(output);
  if (workload === 'W6') await cluster.createTopic(liveTopic(applicationId));
  try {
    const [program, ...launch] =
      side === 'millrace' ? ours(options.profileFolder) : await kafkaStreams(session);
    const printed = await session.run(
      program,
      [
        ...launch,
        ...['run', workload],
        ...['--brokers', broker.brokers.join(',')],
        ...['--app-id', applicationId],
        ...['--state-dir', folder],
        ...['--guarantee', guarantee],
        ...['--cache', String(cacheBytes)],
        ...['--threads', String(threads)],
      ],
      { timeoutMs: options.timeoutMs },
    );
    const measurement = JSON.parse(printed) as Measurement; // our own programs print it
    const bytes = await topicBytes(broker, `${applicationId}-`);
    const changelog = checkedChangelog(workload, applicationId);
    const { outputRecords, checksum } = await checkOutput(cluster, workload, { output, changelog });
    return {
      system: side,
      workload,
      guarantee,
      cache: cacheBytes,
      threads,
      appId: applicationId,
      complete: true,
      ...measurement,
      changelogBytes: bytes('-changelog'),
      repartitionBytes: bytes('-repartition'),
      outputBytes: bytes('-out'),
      outputRecords,
      checksum,
    };
  } finally {
    if (!keep) await cluster.deleteTopics((name) => name.startsWith(`${applicationId}-`));
    if (options.stateDir === undefined) await rm(folder, { recursive: true, force: true });
  }
}
