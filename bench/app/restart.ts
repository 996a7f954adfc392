import { rm } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { KafkaStreams } from 'millrace';
import { Cluster } from '../cluster.ts';
import { rounded } from './measured-run.ts';
import { streamsOptions, type AppArguments } from './options.ts';
import { peakRssMiB, Probe } from './probe.ts';
import { topologyOf } from './topologies.ts';

export interface RestartMeasurement {
  readonly startToRunningSeconds: number;
  /** From the start of the process, loading the code included. */
  readonly processStartToRunningSeconds: number;
  readonly restoredRecords: number;
  readonly restoredRecordsPerSecond: number;
  readonly cpuSeconds: number;
  readonly peakRssMiB: number;
  readonly node: string;
}

const EMPTY_GROUP_DEADLINE_MS = 120_000;
const POLL_MS = 200;

/**
 * W6 (a) and (b): starts an application whose state was filled before, until it is RUNNING. `wipe` deletes the local
 * state first, so that all of it is restored from the changelog; `waitForEmptyGroup` lets an earlier member go first.
 */
export async function restart(args: AppArguments): Promise<RestartMeasurement> {
  const { workload, applicationId, stateDir, liveOnly, wipe, waitForEmptyGroup } = args;
  if (wipe) await rm(path.join(stateDir, applicationId), { recursive: true, force: true });
  const waitedMs = waitForEmptyGroup ? await untilEmpty(args) : 0;
  const probe = new Probe(Infinity);
  const topology = topologyOf(workload, { applicationId, cached: false, liveOnly, probe });
  await using streams = new KafkaStreams(topology, streamsOptions(args));
  let restoredRecords = 0;
  streams.onRestore({
    end: (event) => {
      restoredRecords += event.restoredRecords;
    },
  });
  const cpu = process.cpuUsage();
  const startMs = performance.now();
  await streams.start();
  const runningMs = performance.now();
  const { user, system } = process.cpuUsage(cpu);
  const seconds = (runningMs - startMs) / 1000;
  const peakMiB = peakRssMiB();
  await streams.close();
  return {
    startToRunningSeconds: rounded(seconds),
    processStartToRunningSeconds: rounded((runningMs - waitedMs) / 1000),
    restoredRecords,
    restoredRecordsPerSecond: rounded(restoredRecords / seconds),
    cpuSeconds: rounded((user + system) / 1e6),
    peakRssMiB: rounded(peakMiB),
    node: process.version,
  };
}

/** Resolves with how long that took. */
async function untilEmpty({ brokers, applicationId }: AppArguments): Promise<number> {
  const startMs = performance.now();
  await using cluster = await Cluster.connect(brokers);
  while (await cluster.hasMembers(applicationId)) {
    if (performance.now() - startMs > EMPTY_GROUP_DEADLINE_MS) {
      throw new Error(`group ${applicationId} still has members`);
    }
    await sleep(POLL_MS);
  }
  return performance.now() - startMs;
}
