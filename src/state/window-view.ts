import { Windowed } from '../common/windowed.ts';
import type { WindowedKeys } from './database-keys.ts';
import { invariant } from '../common/errors.ts';
import type { Row } from './row.ts';
import type { StoreEngine } from './store-engine.ts';
import type { StorageRange } from './task-storage.ts';
import type { WindowRetention } from './window-retention.ts';
import type { ReadOnlyWindowStore, TimeRange, WindowStore } from './window-store.ts';

const ALL_TIME: TimeRange = { fromMs: 0, toMs: Number.MAX_SAFE_INTEGER };

/** The committed content of a window store, for interactive queries. */
export class CommittedWindowView<K, V> implements ReadOnlyWindowStore<K, V> {
  protected readonly engine: StoreEngine<K, V>;
  protected readonly retention: WindowRetention;
  readonly #committed: boolean;

  constructor(engine: StoreEngine<K, V>, committed = true) {
    const { retention } = engine;
    invariant(retention !== null, 'a window view is of a window store', { store: engine.name });
    this.engine = engine;
    this.retention = retention;
    this.#committed = committed;
  }

  get name(): string {
    return this.engine.name;
  }

  fetch(key: K, windowStartMs: number): V | null {
    return this.engine.getCommitted(key, windowStartMs)?.value ?? null;
  }

  fetchRange(key: K, range: TimeRange): AsyncIterable<readonly [windowStartMs: number, value: V]> {
    const keyBytes = this.engine.codec.keyToBytes(key);
    return fromFirstRead(() =>
      this.#scan(this.#keys.rangesOfKey(keyBytes, this.#alive(range)), (logKey, value) => {
        // Between two rows of a key there may be rows of a longer one.
        if (this.#keys.keyBytes(logKey).length !== keyBytes.length) return undefined;
        return [this.#keys.windowStartMs(logKey), value];
      }),
    );
  }

  fetchAll(range: TimeRange): AsyncIterable<readonly [key: Windowed<K>, value: V]> {
    return fromFirstRead(() => {
      const time = this.#alive(range);
      return this.#scan(this.#keys.rangesOfTime(time), (logKey, value) => {
        const startMs = this.#keys.windowStartMs(logKey);
        if (startMs < time.fromMs || startMs > time.toMs) return undefined;
        const key = this.engine.codec.keyFromBytes(this.#keys.keyBytes(logKey));
        return [new Windowed(key, startMs, startMs + this.engine.windowSizeMs), value];
      });
    });
  }

  all(): AsyncIterable<readonly [key: Windowed<K>, value: V]> {
    return this.fetchAll(ALL_TIME);
  }

  get #keys(): WindowedKeys {
    return this.retention.keys;
  }

  /** The part of a range that has not expired and where there may be windows. */
  #alive({ fromMs, toMs }: TimeRange): TimeRange {
    const { committedExpiredUpToMs, expiredUpToMs, committedMs, observedMs } = this.retention;
    const expired = this.#committed ? committedExpiredUpToMs : expiredUpToMs;
    const latest = this.#committed ? committedMs : observedMs;
    return { fromMs: Math.max(fromMs, 0, expired + 1), toMs: Math.min(toMs, latest) };
  }

  #scan<T>(
    ranges: readonly StorageRange[],
    project: (logKey: Uint8Array, value: V) => T | undefined,
  ): AsyncGenerator<T> {
    const view = { reverse: false, committed: this.#committed };
    return this.engine.scan(ranges, view, (logKey: Uint8Array, { bytes }: Row) =>
      bytes === null ? undefined : project(logKey, this.engine.codec.valueFromBytes(bytes)),
    );
  }
}

/** What has expired, and what is the latest, is asked when the first row is. */
function fromFirstRead<T>(scan: () => AsyncGenerator<T>): AsyncIterable<T> {
  return { [Symbol.asyncIterator]: scan };
}

/** A window store as a processor has it: reads its own writes. */
export class WindowView<K, V> extends CommittedWindowView<K, V> implements WindowStore<K, V> {
  constructor(engine: StoreEngine<K, V>) {
    super(engine, false);
  }

  override fetch(key: K, windowStartMs: number): V | null {
    return this.engine.get(key, windowStartMs)?.value ?? null;
  }

  put(key: K, value: V | null, windowStartMs: number): void {
    this.engine.put(key, value, windowStartMs, this.engine.recordTimestampMs);
  }
}
