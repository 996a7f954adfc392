import type { StreamPartitioner } from '../processor/stream-partitioner.ts';
import type { TimestampExtractor } from '../processor/timestamp-extractor.ts';
import type { TopicNameExtractor } from '../processor/topic-name-extractor.ts';
import type { Serde } from '../serde/serde.ts';

// A plan runs without the types of keys and values: whoever adds a node has checked them against those of its parents.
// The casts of the whole language to that untyped form are in this file.

export function eraseSerde<T>(serde: Serde<T> | null = null): Serde<unknown> | null {
  return serde;
}

export function eraseExtractor<K, V>(
  extractor: TimestampExtractor<K, V> | null = null,
): TimestampExtractor | null {
  return extractor as TimestampExtractor | null;
}

export function erasePartitioner<K, V>(
  partitioner: StreamPartitioner<K, V> | null = null,
): StreamPartitioner | null {
  return partitioner as StreamPartitioner | null;
}

export function eraseTopic<K, V>(
  topic: string | TopicNameExtractor<K, V>,
): string | TopicNameExtractor {
  return topic as string | TopicNameExtractor;
}
