import { readInt64, writeInt64 } from '../common/bytes.ts';
import { StreamsError } from '../common/errors.ts';
import type { Serde, Serdes } from '../serde/serde.ts';
import { appendToList, listOf } from './list-bytes.ts';
import type { RestoredRecord } from './managed-store.ts';
import type { OuterJoinStore, PendingRecord } from './outer-join-store.ts';
import type { PageGroup } from './page-group.ts';
import type { RowOrder } from './page-row.ts';
import { ONE_GROUP, PageTable } from './page-table.ts';
import { PagedStore } from './paged-store.ts';
import { StoreCodec } from './store-codec.ts';
import type { StoreContext } from './store-context.ts';

const SHAPE = { second: true, tail: true, timestamp: false } as const;
const SLICE = 0;
const SIDE_AT = 8;
const KEY_AT = 9;
const RIGHT = 0;
const LEFT = 1;

export interface OuterJoinStoreOptions<K, VL, VR> {
  readonly name: string;
  readonly key: Serde<K>;
  readonly left: Serde<VL>;
  readonly right: Serde<VR>;
  readonly persistent: boolean;
}

/**
 * An `OuterJoinStore` in packed pages: one group, rows ordered by time, side and key bytes. A row has all values of its
 * key, time and side, as its changelog record has.
 *
 *     changelog key      i64 time, u8 side, key
 *     changelog value    list of: u8 side, value
 */
export class PagedOuterJoinStore<K, VL, VR> implements OuterJoinStore<K, VL, VR> {
  readonly name: string;
  readonly #context: StoreContext;
  readonly #left: StoreCodec<K, VL>;
  readonly #right: StoreCodec<K, VR>;
  readonly #table: PageTable<null, never>;

  private constructor(
    { name, key, left, right, persistent }: OuterJoinStoreOptions<K, VL, VR>,
    context: StoreContext,
  ) {
    const { storage, changelogTopic, objects: budget } = context;
    const layout = 'outer-join-pages';
    const store = storage.storeNumber({ name, layout, persistent, changelogTopic });
    const codec = <V>(value: Serde<V>): StoreCodec<K, V> => {
      const serdes: Serdes<K, V> = { key, value };
      return new StoreCodec(name, changelogTopic, serdes);
    };
    this.name = name;
    this.#context = context;
    this.#left = codec(left);
    this.#right = codec(right);
    this.#table = new PageTable({ storage, store, keys: ONE_GROUP, shape: SHAPE, budget });
  }

  static open<K, VL, VR>(
    options: OuterJoinStoreOptions<K, VL, VR>,
    context: StoreContext,
  ): PagedStore {
    const store = new PagedOuterJoinStore(options, context);
    return new PagedStore({
      name: options.name,
      kind: 'outer-join',
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

  put(record: PendingRecord<K, VL, VR>): void {
    const { key, timestampMs } = record;
    if (!Number.isSafeInteger(timestampMs) || timestampMs < 0) {
      throw new StreamsError('STREAMS_PROCESSING', `${timestampMs} is no time of a record`, {
        site: { store: this.name },
      });
    }
    const side = record.side === 'left' ? LEFT : RIGHT;
    const value =
      record.side === 'left'
        ? this.#left.valueToBytes(record.value)
        : this.#right.valueToBytes(record.value);
    const group = this.#begin();
    const keyBytes = new Uint8Array(this.#left.keyToBytes(key));
    const row = this.#table.place(group, timestampMs, side, keyBytes);
    const bytes = appendToList(row.bytes, withSide(side, value));
    this.#table.write(group, row, bytes, -1);
    this.#log(row, bytes);
  }

  remove(sideName: 'left' | 'right', key: K, timestampMs: number): void {
    const group = this.#begin();
    const side = sideName === 'left' ? LEFT : RIGHT;
    const row = this.#table.get(group, timestampMs, side, this.#left.keyToBytes(key));
    if (row === undefined || row.bytes === null) return;
    this.#table.write(group, row, null, -1);
    this.#log(row, null);
  }

  *pending(): Generator<PendingRecord<K, VL, VR>> {
    for (let row = this.#table.next(this.#begin(), null); row !== null;) {
      const { first: timestampMs, second: side, tail, bytes } = row;
      const key = this.#left.keyFromBytes(tail ?? new Uint8Array(0));
      for (const value of bytes === null ? [] : listOf(bytes)) {
        const own = value.subarray(1);
        yield side === LEFT
          ? { side: 'left', key, timestampMs, value: this.#left.valueFromBytes(own) }
          : { side: 'right', key, timestampMs, value: this.#right.valueFromBytes(own) };
      }
      row = this.#table.next(this.#begin(), row);
    }
  }

  #begin(): PageGroup<never> {
    this.#table.begin();
    return this.#table.group(SLICE, null);
  }

  #log({ first, second, tail }: RowOrder, value: Uint8Array | null): void {
    const { changelog } = this.#context;
    if (changelog === null || tail === null) return;
    const key = new Uint8Array(KEY_AT + tail.length);
    writeInt64(key, 0, first);
    key[SIDE_AT] = second;
    key.set(tail, KEY_AT);
    changelog.append(key, value, this.#context.recordTimestampMs());
  }

  #restore({ key, value }: RestoredRecord): void {
    const group = this.#begin();
    const side = key[SIDE_AT] === LEFT ? LEFT : RIGHT;
    const row = this.#table.place(group, readInt64(key, 0), side, key.slice(KEY_AT));
    this.#table.write(group, row, value === null ? null : new Uint8Array(value), -1);
  }
}

function withSide(side: number, value: Uint8Array): Uint8Array {
  const marked = new Uint8Array(1 + value.length);
  marked[0] = side;
  marked.set(value, 1);
  return marked;
}
