import type { Admin } from '../client/admin.ts';
import { StreamsError } from '../common/errors.ts';
import { partitionKey, type TopicPartition } from '../common/topic-partition.ts';
import type { OffsetReset } from '../topology/topology-plan.ts';

/** Where a task begins to read one of its input partitions. */
export interface StartOffset extends TopicPartition {
  readonly offset: number;
  /** Of the committed offset (parity M4); empty where nothing was committed. */
  readonly metadata: string;
  /** False where the reset policy decided: then the log may still move under it. */
  readonly committed: boolean;
}

/** What the stable offset fetch answered, by `partitionKey`; null where the group has committed nothing. */
export type CommittedOffsets = ReadonlyMap<
  string,
  { readonly offset: number; readonly metadata: string } | null
>;

/**
 * The committed offset of each partition or, only where there never was one, what the reset policy says.
 *
 * Errors: `STREAMS_OFFSET_OUT_OF_RANGE` for a partition without a committed offset whose policy is 'none'.
 */
export async function resolveStartOffsets(
  partitions: readonly TopicPartition[],
  committed: CommittedOffsets,
  policyOf: (topic: string) => OffsetReset,
  admin: Pick<Admin, 'listOffsets'>,
): Promise<readonly StartOffset[]> {
  const isFirstStart = ({ topic, partition }: TopicPartition): boolean =>
    (committed.get(partitionKey(topic, partition)) ?? null) === null;
  const fresh = partitions.filter(isFirstStart);
  const [earliest, latest] = await Promise.all(
    (['earliest', 'latest'] as const).map(async (policy) => {
      const wanted = fresh.filter(({ topic }) => policyOf(topic) === policy);
      return wanted.length === 0
        ? new Map<string, { offset: number }>()
        : admin.listOffsets(wanted, policy, 'read_committed');
    }),
  );
  return partitions.map(({ topic, partition }) => {
    const key = partitionKey(topic, partition);
    const known = committed.get(key) ?? null;
    if (known !== null) return { topic, partition, ...known, committed: true };
    const found = (policyOf(topic) === 'latest' ? latest : earliest)?.get(key);
    if (found === undefined) throw noOffset(topic, partition);
    return { topic, partition, offset: found.offset, metadata: '', committed: false };
  });
}

function noOffset(topic: string, partition: number): StreamsError {
  return new StreamsError(
    'STREAMS_OFFSET_OUT_OF_RANGE',
    "the group has committed no offset here and autoOffsetReset is 'none': commit one with kafka-consumer-groups, or choose 'earliest' or 'latest'",
    { site: { topic, partition } },
  );
}
