import { fetch, type FetchRequest } from '../wire/messages/fetch.ts';
import { readFetchResponse, type FetchResult } from '../wire/fetch-response.ts';
import { partitionKey } from '../common/topic-partition.ts';
import type { ClientApi } from './broker-connection.ts';
import { byTopic } from './by-topic.ts';
import type { FetchPartition } from './fetch-partition.ts';
import { ISOLATION, type Isolation } from './list-offsets.ts';

/** Fetch, read by hand: one object for a partition. */
export const FETCH: ClientApi<FetchRequest, FetchResult> = {
  ...fetch,
  readResponse: readFetchResponse,
};

/** From this version on topics go by id, so that a topic that was deleted and made again is noticed. */
export const FIRST_BY_ID = 13;
export const LAST_BY_NAME = FIRST_BY_ID - 1;

export interface FetchLimits {
  readonly isolation: Isolation;
  readonly maxWaitMs: number;
  readonly minBytes: number;
  readonly maxBytes: number;
  readonly maxPartitionBytes: number;
}

/** One partition of a request, and the offset that it asked for: an answer counts only while that is still wanted. */
export interface AskedPartition {
  readonly state: FetchPartition;
  readonly offset: number;
}

/** A fetch of all `partitions`, in their order, without a session: it says all that it wants. */
export function fetchRequest(
  version: number,
  partitions: readonly FetchPartition[],
  { isolation, maxWaitMs, minBytes, maxBytes, maxPartitionBytes }: FetchLimits,
): FetchRequest {
  return {
    maxWaitMs,
    minBytes,
    maxBytes,
    isolationLevel: ISOLATION[isolation],
    topics: [...byTopic(partitions)].map(([topic, ofTopic]) => ({
      ...(version >= FIRST_BY_ID ? { topicId: idOf(ofTopic[0]) } : { topic }),
      partitions: ofTopic.map(({ partition, fetchOffset }) => ({
        partition,
        fetchOffset,
        partitionMaxBytes: maxPartitionBytes,
      })),
    })),
  };
}

/** The partitions of a request under the keys by which the answer calls them. */
export function askedPartitions(
  partitions: readonly FetchPartition[],
): (version: number) => ReadonlyMap<string, AskedPartition> {
  // Taken now: offsets move while the answer is under way.
  const asked = partitions.map((state) => ({ state, offset: state.fetchOffset }));
  return (version) =>
    new Map(
      asked.map((one) => {
        const { topic, partition } = one.state;
        const name = version >= FIRST_BY_ID ? idOf(one.state) : topic;
        return [partitionKey(name, partition), one];
      }),
    );
}

function idOf(state: FetchPartition | undefined): string {
  return state?.topicId ?? '';
}
