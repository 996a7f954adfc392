import type { Headers } from '../common/record.ts';

/**
 * Where an output record goes: a partition, several (each gets the record), none (`[]`: dropped and counted), or
 * undefined for the default, murmur2 of the key's bytes as Kafka's Java producer.
 *
 * Source: KIP-837; `org.apache.kafka.streams.processor.StreamPartitioner`.
 */
export type StreamPartitioner<K = unknown, V = unknown> = (
  topic: string,
  key: K,
  value: V,
  partitionCount: number,
  headers: Headers,
) => number | readonly number[] | undefined;
