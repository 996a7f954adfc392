import { KafkaStreams } from 'millrace';
import type { Cluster } from './cluster.ts';
import { flightDelays } from './topology.ts';
import { until } from './wait.ts';

export interface StrictRunOptions {
  readonly cluster: Cluster;
  readonly brokers: readonly string[];
  readonly prefix: string;
  readonly grace: string;
  readonly total: number;
  readonly stateDir: string;
  readonly signal: AbortSignal;
}

const DEADLINE_MS = 120_000;

/**
 * Runs the same topology in this process, with a grace period of its own, until it has processed and committed
 * `total` flights. Resolves with the number of records that it says it has dropped.
 */
export async function runStrict(options: StrictRunOptions): Promise<number> {
  const { cluster, brokers, prefix, grace, total, stateDir, signal } = options;
  const applicationId = `${prefix}flight-delays`;
  await using streams = new KafkaStreams(flightDelays({ grace, prefix }), {
    applicationId,
    brokers,
    processingGuarantee: 'exactly_once_v2',
    stateDir,
  });
  await streams.start({ signal });
  await until(
    `${total} flights to be processed`,
    async () => (await cluster.committed(applicationId, `${prefix}flights`)) >= total || undefined,
    { deadlineMs: DEADLINE_MS, signal },
  );
  return streams
    .metrics()
    .snapshot()
    .filter(({ name }) => name === 'dropped-records-total')
    .reduce((sum, { value }) => sum + value, 0);
}
