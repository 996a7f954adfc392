import { copyBytes } from '../common/byte-pool.ts';
import { readInt32, writeInt32 } from '../common/bytes.ts';
import type { Serde } from '../serde/serde.ts';
import type { RestoredRecord } from './managed-store.ts';
import type { PageRow } from './page-row.ts';
import { PageTable } from './page-table.ts';
import { PagedStore } from './paged-store.ts';
import { StoreCodec } from './store-codec.ts';
import type { StoreContext } from './store-context.ts';
import type { SubscriptionRow, SubscriptionStore } from './subscription-store.ts';
import type { Timestamped } from './table-store.ts';

const SHAPE = { second: false, tail: true, timestamp: true } as const;
const SLICE = 0;
const LENGTH_BYTES = 4;

export interface SubscriptionStoreOptions<FK, PK, V> {
  readonly name: string;
  readonly foreignKey: Serde<FK>;
  readonly primaryKey: Serde<PK>;
  readonly value: Serde<V>;
  readonly persistent: boolean;
}

/** A `SubscriptionStore` in packed pages: a group for each foreign key, rows ordered by primary key bytes. */
export class PagedSubscriptionStore<FK, PK, V> implements SubscriptionStore<FK, PK, V> {
  readonly name: string;
  readonly #context: StoreContext;
  readonly #foreign: StoreCodec<FK, V>;
  readonly #primary: StoreCodec<PK, V>;
  readonly #table: PageTable<FK, V>;

  private constructor(
    { name, foreignKey, primaryKey, value, persistent }: SubscriptionStoreOptions<FK, PK, V>,
    context: StoreContext,
  ) {
    const { storage, changelogTopic, objects: budget } = context;
    const layout = 'subscription-pages';
    const store = storage.storeNumber({ name, layout, persistent, changelogTopic });
    this.name = name;
    this.#context = context;
    this.#foreign = new StoreCodec(name, changelogTopic, { key: foreignKey, value });
    this.#primary = new StoreCodec(name, changelogTopic, { key: primaryKey, value });
    this.#table = new PageTable({ storage, store, keys: this.#foreign, shape: SHAPE, budget });
  }

  static open<FK, PK, V>(
    options: SubscriptionStoreOptions<FK, PK, V>,
    context: StoreContext,
  ): PagedStore {
    const store = new PagedSubscriptionStore(options, context);
    return new PagedStore({
      name: options.name,
      kind: 'subscription',
      face: store,
      tables: [store.#table],
      retention: null,
      restore: (record) => {
        store.#restore(record);
      },
      undo: () => {
        store.#table.undo();
      },
    });
  }

  get(foreignKey: FK, primaryKey: PK): Timestamped<V> | null {
    this.#table.begin();
    const tail = this.#primary.keyToBytes(primaryKey);
    const row = this.#table.get(this.#table.group(SLICE, foreignKey), 0, 0, tail);
    return row === undefined ? null : this.#timestamped(row);
  }

  put(foreignKey: FK, primaryKey: PK, value: V | null, timestampMs: number): void {
    this.#table.begin();
    const bytes = value === null ? null : this.#primary.valueToBytes(value);
    const tail = copyBytes(this.#primary.keyToBytes(primaryKey));
    const group = this.#table.group(SLICE, foreignKey);
    const row = this.#table.place(group, 0, 0, tail);
    this.#table.write(group, row, bytes, timestampMs);
    const logTimestampMs = value === null ? this.#context.recordTimestampMs() : timestampMs;
    const { changelog } = this.#context;
    changelog?.append(combinedKey(group.keyBytes, tail), bytes, logTimestampMs);
  }

  prefix(foreignKey: FK): readonly SubscriptionRow<PK, V>[] {
    const rows: SubscriptionRow<PK, V>[] = [];
    this.#table.begin();
    this.#table.forEachFrom(this.#table.group(SLICE, foreignKey), 0, 0, (row) => {
      const found = this.#timestamped(row);
      if (found === null || row.tail === null) return true;
      rows.push({ primaryKey: this.#primary.keyFromBytes(row.tail), ...found });
      return true;
    });
    return rows;
  }

  #timestamped({ bytes, timestampMs }: PageRow<V>): Timestamped<V> | null {
    return bytes === null ? null : { value: this.#primary.valueFromBytes(bytes), timestampMs };
  }

  #restore({ key, value, timestampMs }: RestoredRecord): void {
    const foreignEnd = LENGTH_BYTES + readInt32(key, 0);
    this.#table.begin();
    const group = this.#table.groupOfBytes(SLICE, key.subarray(LENGTH_BYTES, foreignEnd));
    const row = this.#table.place(group, 0, 0, copyBytes(key.subarray(foreignEnd)));
    this.#table.write(group, row, value === null ? null : copyBytes(value), timestampMs);
  }
}

/** Source: `org.apache.kafka.streams.kstream.internals.foreignkeyjoin.CombinedKeySchema`. */
function combinedKey(foreignKey: Uint8Array, primaryKey: Uint8Array): Uint8Array {
  const key = new Uint8Array(LENGTH_BYTES + foreignKey.length + primaryKey.length);
  writeInt32(key, 0, foreignKey.length);
  key.set(foreignKey, LENGTH_BYTES);
  key.set(primaryKey, LENGTH_BYTES + foreignKey.length);
  return key;
}
