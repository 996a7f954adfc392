import type { Cluster } from './cluster.ts';
import { outputCheckOf } from './data/output-check.ts';
import type { Result } from './data/result.ts';
import type { Workload } from './data/workloads.ts';

export interface CheckedTopics {
  readonly output: string;
  /** Null where the output alone tells all. */
  readonly changelog: string | null;
}

/** What a finished run amounts to, read back with read_committed. */
export async function checkOutput(
  cluster: Cluster,
  workload: Workload,
  { output, changelog }: CheckedTopics,
): Promise<Result> {
  const check = outputCheckOf(workload);
  await cluster.readAll(output, (key, value, timestampMs) => {
    check.output(key, value, timestampMs);
  });
  if (changelog !== null) {
    await cluster.readAll(changelog, (key, value) => {
      check.changelog(key, value);
    });
  }
  return check.result();
}
