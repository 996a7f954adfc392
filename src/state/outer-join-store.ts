/** A record of a left or outer join that has found no match yet. */
export type PendingRecord<K, VL, VR> =
  | {
      readonly side: 'left';
      readonly key: K;
      readonly timestampMs: number;
      readonly value: VL;
    }
  | {
      readonly side: 'right';
      readonly key: K;
      readonly timestampMs: number;
      readonly value: VR;
    };

/**
 * The records of both sides of a left or outer stream-stream join that wait for a match, or for their window to close.
 * Ordered by time, then side (right before left: Kafka Streams writes them as 0 and 1), then key bytes; records that agree in all three keep
 * the order of their `put`. One store for both sides; never caches, expires nothing by itself.
 *
 * Source: `KStreamImplJoin.sharedOuterJoinWindowStoreBuilder`, `ListValueStore`, `TimestampedKeyAndJoinSide`,
 * `LeftOrRightValue`.
 */
export interface OuterJoinStore<K, VL, VR> {
  readonly name: string;
  put(record: PendingRecord<K, VL, VR>): void;
  /** Removes all records of a side that have this key and time; there need not be one. */
  remove(side: 'left' | 'right', key: K, timestampMs: number): void;
  /**
   * All records in order, read lazily from the oldest. While iterating, only `remove` of what has been yielded (or of
   * anything older) may be called. The values are the caller's.
   */
  pending(): Iterable<PendingRecord<K, VL, VR>>;
}
