import { readInt64, writeInt64 } from '../common/bytes.ts';
import { invariant } from '../common/errors.ts';
import type { Headers } from '../common/record.ts';
import { Windowed } from '../common/windowed.ts';
import { CachedPages, type CachedPagesKind, type CachedPagesOptions } from './cached-pages.ts';
import type { PageRow } from './page-row.ts';
import type { PagedStore } from './paged-store.ts';
import type { StoreContext } from './store-context.ts';
import type { Timestamped } from './table-store.ts';
import type { ReadOnlyWindowStore, TimeRange, WindowStore } from './window-store.ts';
import type {
  WindowOfKey,
  WindowRow,
  WindowTableListener,
  WindowTableStore,
} from './window-table-store.ts';

const START_AND_SEQUENCE_BYTES = 12;
const ALL_TIME: TimeRange = { fromMs: 0, toMs: Number.MAX_SAFE_INTEGER };

export interface PagedWindowStoreOptions<K, V> extends CachedPagesOptions<K, V> {
  readonly windowSizeMs: number;
}

/** Windows in packed pages, for operators that read the windows of a key around a time: rows ordered by start. */
export class PagedWindowStore<K, V> implements WindowTableStore<K, V> {
  readonly #pages: CachedPages<K, V>;
  readonly #context: StoreContext;
  readonly #windowSizeMs: number;
  #listener: WindowTableListener<K, V> | null = null;

  private constructor(options: PagedWindowStoreOptions<K, V>, context: StoreContext) {
    const kind: CachedPagesKind<K, V> = {
      kind: 'window',
      layout: options.timeIndex ? 'window-pages-by-time' : 'window-pages',
      shape: { second: false, tail: false, timestamp: true },
      logKey: windowLogKey,
      placeOf: (logKey) => {
        const keyLength = logKey.length - START_AND_SEQUENCE_BYTES;
        return { first: readInt64(logKey, keyLength), second: 0, tail: null, keyLength };
      },
      tell: (key, row, newValue, oldValue, timestampMs, headers) => {
        this.#listener?.(key, row.first, newValue, oldValue, timestampMs, headers);
      },
    };
    this.#pages = new CachedPages(options, kind, context);
    this.#context = context;
    this.#windowSizeMs = options.windowSizeMs;
  }

  static open<K, V>(options: PagedWindowStoreOptions<K, V>, context: StoreContext): PagedStore {
    const store = new PagedWindowStore(options, context);
    return store.#pages.managed(store);
  }

  get name(): string {
    return this.#pages.name;
  }

  get(key: K, windowStartMs: number): Timestamped<V> | null {
    const row = this.#pages.find(key, windowStartMs, 0);
    return row === null ? null : this.#timestamped(row, this.#pages.rows.forCaller(row));
  }

  getOwn(key: K, windowStartMs: number): Timestamped<V> | null {
    const row = this.#pages.findToChange(key, windowStartMs, 0);
    return row === null ? null : this.#timestamped(row, this.#pages.rows.own(row));
  }

  disown(key: K, windowStartMs: number): void {
    const row = this.#pages.find(key, windowStartMs, 0);
    if (row !== null) this.#pages.rows.disown(row);
  }

  update(
    key: K,
    windowStartMs: number,
    value: V | null,
    timestampMs: number,
    headers: Headers,
  ): void {
    this.#update(key, windowStartMs, value, timestampMs, headers, false);
  }

  updateShared(
    key: K,
    windowStartMs: number,
    value: V | null,
    timestampMs: number,
    headers: Headers,
  ): void {
    this.#update(key, windowStartMs, value, timestampMs, headers, true);
  }

  listen(listener: WindowTableListener<K, V>, options: { readonly sendOldValues: boolean }): void {
    invariant(this.#listener === null, 'a store has one listener', { store: this.name });
    this.#listener = listener;
    this.#pages.rows.listen(options.sendOldValues);
  }

  windowsOf(key: K, fromMs: number, toMs: number): readonly WindowOfKey[] {
    return this.#pages.rowsOf(key, { fromMs, toMs }).map((row) => ({
      windowStartMs: row.first,
      timestampMs: this.#pages.timestampOf(row),
    }));
  }

  *startedIn(fromMs: number, toMs: number): Generator<WindowRow<K, V>> {
    for (const [keyBytes, row] of this.#pages.inTime({ fromMs, toMs })) {
      const found = this.#timestamped(row, this.#pages.rows.forCaller(row));
      if (found === null) continue;
      const { value, timestampMs } = found;
      const key = this.#pages.codec.keyFromBytes(keyBytes);
      yield { key, windowStartMs: row.first, value, timestampMs };
    }
  }

  /** As a processor has it. */
  view(): WindowStore<K, V> {
    return new PagedWindowView(this.#pages, this.#windowSizeMs, this.#context);
  }

  /** For interactive queries. */
  committedView(): ReadOnlyWindowStore<K, V> {
    return new CommittedPagedWindowView(this.#pages, this.#windowSizeMs);
  }

  #update(
    key: K,
    windowStartMs: number,
    value: V | null,
    timestampMs: number,
    headers: Headers,
    shared: boolean,
  ): void {
    const row = this.#pages.rowToWrite(key, windowStartMs, 0);
    if (row === null) return;
    const logTimestampMs = value === null ? this.#context.recordTimestampMs() : timestampMs;
    this.#pages.rows.update(row, value, timestampMs, logTimestampMs, headers, shared);
  }

  #timestamped(row: PageRow<V>, value: V | undefined): Timestamped<V> | null {
    if (value === undefined) return null;
    return { value, timestampMs: this.#pages.timestampOf(row) };
  }
}

/** Windows as committed. */
class CommittedPagedWindowView<K, V> implements ReadOnlyWindowStore<K, V> {
  protected readonly pages: CachedPages<K, V>;
  protected readonly committed: boolean = true;
  readonly #windowSizeMs: number;

  constructor(pages: CachedPages<K, V>, windowSizeMs: number) {
    this.pages = pages;
    this.#windowSizeMs = windowSizeMs;
  }

  get name(): string {
    return this.pages.name;
  }

  fetch(key: K, windowStartMs: number): V | null {
    const [row] = this.rowsOf(key, { fromMs: windowStartMs, toMs: windowStartMs });
    return row === undefined ? null : this.valueOf(row);
  }

  async *fetchRange(
    key: K,
    range: TimeRange,
  ): AsyncGenerator<readonly [windowStartMs: number, value: V]> {
    await Promise.resolve(); // as all scans, it begins with the first read
    const found = this.rowsOf(key, range).map((row) => [row.first, this.valueOf(row)] as const);
    yield* found;
  }

  async *fetchAll(range: TimeRange): AsyncGenerator<readonly [key: Windowed<K>, value: V]> {
    for await (const [key, row] of this.pages.scan(range, this.committed)) {
      const endMs = row.first + this.#windowSizeMs;
      yield [new Windowed(key, row.first, endMs), this.valueOf(row)];
    }
  }

  all(): AsyncIterable<readonly [key: Windowed<K>, value: V]> {
    return this.fetchAll(ALL_TIME);
  }

  protected rowsOf(key: K, range: TimeRange): PageRow<V>[] {
    return this.pages.committedRowsOf(key, range);
  }

  protected valueOf({ bytes }: PageRow<V>): V {
    invariant(bytes !== null, 'a committed row has a value', { store: this.name });
    return this.pages.codec.valueFromBytes(bytes);
  }
}

/** Windows as the task sees them. */
class PagedWindowView<K, V> extends CommittedPagedWindowView<K, V> implements WindowStore<K, V> {
  protected override readonly committed = false;
  readonly #context: StoreContext;

  constructor(pages: CachedPages<K, V>, windowSizeMs: number, context: StoreContext) {
    super(pages, windowSizeMs);
    this.#context = context;
  }

  put(key: K, value: V | null, windowStartMs: number): void {
    const row = this.pages.rowToWrite(key, windowStartMs, 0);
    if (row !== null) this.pages.rows.put(row, value, this.#context.recordTimestampMs());
  }

  protected override rowsOf(key: K, range: TimeRange): PageRow<V>[] {
    return this.pages.rowsOf(key, range);
  }

  protected override valueOf(row: PageRow<V>): V {
    const value = this.pages.rows.forCaller(row);
    invariant(value !== undefined, 'a row that was found has a value', { store: this.name });
    return value;
  }
}

/** Source: `org.apache.kafka.streams.state.internals.WindowKeySchema`. */
function windowLogKey(keyBytes: Uint8Array, { first }: { readonly first: number }): Uint8Array {
  const key = new Uint8Array(keyBytes.length + START_AND_SEQUENCE_BYTES);
  key.set(keyBytes);
  writeInt64(key, keyBytes.length, first);
  return key;
}
