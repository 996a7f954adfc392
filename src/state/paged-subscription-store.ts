import { readInt32, writeInt32 } from '../common/bytes.ts';
import { invariant } from '../common/errors.ts';
import type { Serde } from '../serde/serde.ts';
import type { RestoredRecord } from './managed-store.ts';
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
  /** Serdes of the keys are told this topic, with `-fk` and `-pk` behind it, and the application's name before it. */
  readonly topic: string;
  readonly persistent: boolean;
}

/** A `SubscriptionStore` in packed pages: a group for each foreign key, rows ordered by primary key. */
export class PagedSubscriptionStore<FK, PK, V> implements SubscriptionStore<FK, PK, V> {
  readonly name: string;
  readonly #context: StoreContext;
  readonly #foreignKeys: StoreCodec<FK, V>;
  readonly #primaryKeys: StoreCodec<PK, V>;
  readonly #values: StoreCodec<PK, V>;
  readonly #table: PageTable<FK, never>;

  private constructor(
    { name, foreignKey, primaryKey, value, topic, persistent }: SubscriptionStoreOptions<FK, PK, V>,
    context: StoreContext,
  ) {
    const { storage, changelogTopic, objects: budget } = context;
    const layout = 'subscription-pages';
    const store = storage.storeNumber({ name, layout, persistent, changelogTopic });
    const application = changelogTopic.slice(0, -`${name}-changelog`.length);
    this.name = name;
    this.#context = context;
    const keysOf = <K>(key: Serde<K>, suffix: string): StoreCodec<K, V> =>
      new StoreCodec(name, `${application}${topic}${suffix}`, { key, value });
    this.#foreignKeys = keysOf(foreignKey, '-fk');
    this.#primaryKeys = keysOf(primaryKey, '-pk');
    this.#values = new StoreCodec(name, `${application}${topic}`, { key: primaryKey, value });
    this.#table = new PageTable({ storage, store, keys: this.#foreignKeys, shape: SHAPE, budget });
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
    const group = this.#table.group(SLICE, foreignKey);
    const row = this.#table.get(group, 0, 0, this.#primaryKeys.keyToBytes(primaryKey));
    if (row === undefined || row.bytes === null) return null;
    return { value: this.#values.valueFromBytes(row.bytes), timestampMs: row.timestampMs };
  }

  put(foreignKey: FK, primaryKey: PK, value: V | null, timestampMs: number): void {
    this.#table.begin();
    const group = this.#table.group(SLICE, foreignKey);
    const primaryBytes = new Uint8Array(this.#primaryKeys.keyToBytes(primaryKey));
    const bytes = value === null ? null : this.#values.valueToBytes(value);
    const row = this.#table.place(group, 0, 0, primaryBytes);
    this.#table.write(group, row, bytes, timestampMs);
    const { changelog } = this.#context;
    changelog?.append(combinedKey(group.keyBytes, primaryBytes), bytes, timestampMs);
  }

  prefix(foreignKey: FK): readonly SubscriptionRow<PK, V>[] {
    this.#table.begin();
    const found: SubscriptionRow<PK, V>[] = [];
    const group = this.#table.group(SLICE, foreignKey);
    this.#table.forEachFrom(group, -Infinity, -Infinity, ({ tail, bytes, timestampMs }) => {
      invariant(tail !== null, 'a subscription has a primary key', { store: this.name });
      if (bytes === null) return true;
      found.push({
        primaryKey: this.#primaryKeys.keyFromBytes(tail),
        value: this.#values.valueFromBytes(bytes),
        timestampMs,
      });
      return true;
    });
    return found;
  }

  #restore({ key, value, timestampMs }: RestoredRecord): void {
    this.#table.begin();
    const primaryAt = LENGTH_BYTES + readInt32(key, 0);
    const group = this.#table.groupOfBytes(SLICE, key.subarray(LENGTH_BYTES, primaryAt));
    const row = this.#table.place(group, 0, 0, key.slice(primaryAt));
    this.#table.write(group, row, value === null ? null : new Uint8Array(value), timestampMs);
  }
}

/** Source: `CombinedKeySchema`. */
function combinedKey(foreignKey: Uint8Array, primaryKey: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(LENGTH_BYTES + foreignKey.length + primaryKey.length);
  writeInt32(bytes, 0, foreignKey.length);
  bytes.set(foreignKey, LENGTH_BYTES);
  bytes.set(primaryKey, LENGTH_BYTES + foreignKey.length);
  return bytes;
}
