import { partitionKey, type TopicPartition } from '../common/topic-partition.ts';
import { listOffsets } from '../wire/messages/list-offsets.ts';
import { brokerError, leaderMoved } from './broker-errors.ts';
import { byTopic } from './by-topic.ts';
import { KAFKA_ERRORS as ERROR } from '../wire/error-codes.ts';
import type { KafkaClient } from './kafka-client.ts';

/** `latest` is the high watermark under read_uncommitted and the last stable offset under read_committed. */
export type OffsetSpec = 'earliest' | 'latest' | number;

export type Isolation = 'read_committed' | 'read_uncommitted';

export interface ListedOffset {
  /** -1 where no record is as recent as the time that was asked for. */
  readonly offset: number;
  readonly timestampMs: number;
  readonly leaderEpoch: number;
}

const LATEST = -1;
const EARLIEST = -2;

export const ISOLATION: Readonly<Record<Isolation, number>> = {
  read_uncommitted: 0,
  read_committed: 1,
};

/**
 * Asks each partition's leader for an offset, again for those whose leader moves meanwhile.
 *
 * Errors: `STREAMS_CLIENT` when some are still without an answer after `apiTimeoutMs`, a missing topic included;
 * `STREAMS_AUTHORIZATION`.
 */
export async function fetchOffsets(
  client: KafkaClient,
  partitions: readonly TopicPartition[],
  spec: OffsetSpec,
  isolation: Isolation,
  signal?: AbortSignal,
): Promise<Map<string, ListedOffset>> {
  const found = new Map<string, ListedOffset>();
  await client.retrying(
    'listing offsets',
    async () => {
      const open = partitions.filter(
        ({ topic, partition }) => !found.has(partitionKey(topic, partition)),
      );
      const byNode = await leadersOf(client, open);
      await Promise.all(
        [...byNode].map(([node, ofNode]) => askNode(client, node, ofNode, spec, isolation, found)),
      );
    },
    { signal },
  );
  return found;
}

/** Partitions by the node that leads them; `STREAMS_CLIENT` when one has no leader. */
export async function leadersOf<T extends TopicPartition>(
  client: KafkaClient,
  partitions: readonly T[],
): Promise<ReadonlyMap<number, readonly T[]>> {
  const topics = await client.topics([...new Set(partitions.map(({ topic }) => topic))]);
  const byNode = new Map<number, T[]>();
  for (const item of partitions) {
    const { topic, partition } = item;
    const info = topics.get(topic);
    const leader = info?.partitions[partition]?.leader ?? -1;
    if (leader < 0) {
      client.forgetTopic(topic);
      const code =
        info === undefined ? ERROR.UNKNOWN_TOPIC_OR_PARTITION : ERROR.LEADER_NOT_AVAILABLE;
      throw brokerError(code, { api: 'Metadata', site: { topic, partition } });
    }
    const ofNode = byNode.get(leader);
    if (ofNode === undefined) byNode.set(leader, [item]);
    else ofNode.push(item);
  }
  return byNode;
}

async function askNode(
  client: KafkaClient,
  node: number,
  partitions: readonly TopicPartition[],
  spec: OffsetSpec,
  isolation: Isolation,
  found: Map<string, ListedOffset>,
): Promise<void> {
  const timestamp = spec === 'latest' ? LATEST : spec === 'earliest' ? EARLIEST : spec;
  const topics = [...byTopic(partitions)].map(([name, ofTopic]) => ({
    name,
    partitions: ofTopic.map(({ partition }) => ({ partitionIndex: partition, timestamp })),
  }));
  const isolationLevel = ISOLATION[isolation];
  const { response } = await client
    .send({ node }, 'admin', listOffsets, { replicaId: -1, isolationLevel, topics })
    .catch((error: unknown) => {
      for (const { topic } of partitions) client.forgetTopic(topic);
      throw error;
    });
  for (const { name: topic, partitions: answers } of response.topics) {
    for (const {
      partitionIndex,
      errorCode,
      offset,
      timestamp: timestampMs,
      leaderEpoch,
    } of answers) {
      if (errorCode !== ERROR.NONE) {
        if (leaderMoved(errorCode)) client.forgetTopic(topic);
        const site = { topic, partition: partitionIndex };
        throw brokerError(errorCode, { api: listOffsets.name, site });
      }
      found.set(partitionKey(topic, partitionIndex), { offset, timestampMs, leaderEpoch });
    }
  }
}
