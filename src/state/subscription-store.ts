import type { Timestamped } from './table-store.ts';

/** One subscription of a foreign key. */
export interface SubscriptionRow<PK, V> extends Timestamped<V> {
  readonly primaryKey: PK;
}

/**
 * Which rows of the left table of a foreign-key join point to which row of the right one: a value for each foreign and
 * primary key, found by either both or the foreign key alone. Never caches. The values are the caller's.
 *
 * The changelog has Kafka Streams' combined key (`i32 length of foreign key, foreign key, primary key`), the value as its
 * serde writes it, and the row's timestamp as the record's.
 *
 * Source: KIP-213, `CombinedKeySchema`, `SubscriptionReceiveProcessorSupplier`.
 */
export interface SubscriptionStore<FK, PK, V> {
  readonly name: string;
  get(foreignKey: FK, primaryKey: PK): Timestamped<V> | null;
  /** Null deletes. */
  put(foreignKey: FK, primaryKey: PK, value: V | null, timestampMs: number): void;
  /** The rows under a foreign key, by serialized primary key. As of the call. */
  prefix(foreignKey: FK): readonly SubscriptionRow<PK, V>[];
}
