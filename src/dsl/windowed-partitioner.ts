import { defaultPartition } from '../common/murmur2.ts';
import type { Windowed } from '../common/windowed.ts';
import type { StreamPartitioner } from '../processor/stream-partitioner.ts';
import type { Serde } from '../serde/serde.ts';
import { SessionWindowedSerde } from '../serde/session-windowed-serde.ts';
import { TimeWindowedSerde } from '../serde/time-windowed-serde.ts';

type WindowedSerde<K> = TimeWindowedSerde<K> | SessionWindowedSerde<K>;

export function isWindowedSerde(serde: Serde<unknown> | null): serde is WindowedSerde<unknown> {
  return serde instanceof TimeWindowedSerde || serde instanceof SessionWindowedSerde;
}

/**
 * Partitions windowed keys by the key inside, so that all windows of a key are where the key itself would be.
 *
 * Source: `WindowedStreamPartitioner`; parity W14, trap 36.
 */
export function windowedPartitioner<K>({
  inner,
}: WindowedSerde<K>): StreamPartitioner<Windowed<K>> {
  return (topic, windowed, _value, partitionCount, headers) =>
    defaultPartition(
      inner.serialize(windowed.key, { topic, isKey: true, headers }),
      partitionCount,
    );
}
