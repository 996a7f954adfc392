import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Measurement } from './app/measured-run.ts';
import { checkOutput } from './check-output.ts';
import { checkedChangelog, liveTopic, outputTopic, type Workload } from './data/workloads.ts';
import type { Session } from './session.ts';
import { topicBytes } from './topic-bytes.ts';

export interface RunOptions {
  readonly workload: Workload;
  readonly guarantee: 'alo' | 'eos';
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
  readonly system: string;
  readonly workload: Workload;
  readonly guarantee: 'alo' | 'eos';
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

/** One measured run of ours in a process of its own, its output checked; topics and state are removed afterwards. */
export async function runOurs(session: Session, options: RunOptions): Promise<RunLine> {
  const { cluster, broker } = session;
  const { workload, guarantee, cacheBytes, threads, applicationId, profileFolder, keep = false } = options;
  const folder = options.stateDir ?? (await mkdtemp(path.join(tmpdir(), 'millrace-bench-')));
  const output = outputTopic(applicationId);
  await cluster.createTopic(output);
  if (workload === 'W6') await cluster.createTopic(liveTopic(applicationId));
  try {
    const printed = await session.run(
      process.execPath,
      [
        ...(profileFolder === undefined
          ? []
          : ['--cpu-prof', `--cpu-prof-dir=${profileFolder}`]),
        APPLICATION,
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
    const measurement = JSON.parse(printed) as Measurement; // our own program printed it
    const bytes = await topicBytes(broker, `${applicationId}-`);
    const changelog = checkedChangelog(workload, applicationId);
    const { outputRecords, checksum } = await checkOutput(cluster, workload, { output, changelog });
    return {
      system: 'millrace',
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
