import { Change } from '../common/change.ts';
import { StreamRecord } from '../common/record.ts';
import type { SlidingWindows } from '../common/sliding-windows.ts';
import { Windowed } from '../common/windowed.ts';
import type { InternalProcessorContext } from '../processor/internal-processor-context.ts';
import type { Processor } from '../processor/processor.ts';
import type { Timestamped } from '../state/table-store.ts';
import type { WindowOfKey, WindowTableStore } from '../state/window-table-store.ts';
import type { CreateOperator } from './operator.ts';
import { returned } from './returned.ts';
import type { Aggregator, Initializer } from './stream-aggregate.ts';
import { WindowClose, type EmitStrategy } from './window-close.ts';

export interface SlidingAggregateOptions<K, V, A> {
  readonly store: string;
  readonly windows: SlidingWindows;
  readonly emit: EmitStrategy;
  readonly sendOldValues: boolean;
  /** False where another operator forwards what changes in the store: one does of those that share it. True if left out. */
  readonly forwards?: boolean;
  readonly initializer: Initializer<A>;
  readonly aggregator: Aggregator<K, V, A>;
}

/**
 * Folds the records of each key into one aggregate per sliding window.
 *
 *     in     StreamRecord<K, V>
 *     out    StreamRecord<Windowed<K>, Change<A>>: on window update, one for each window that the record falls in or
 *            makes; on window close, one for each window of any key that has closed, by start, then key
 *     state  WindowTableStore<K, A> with ranges, and a time index for emission on close
 *
 * A record at `t` makes the window that ends at `t` and, once there is a later record in it, the one that starts at
 * `t + 1`; a new window begins with what it has in common with the windows that are there. A window before 0 would hold
 * what `[0, difference]` holds, so a record before `difference` goes there.
 *
 * A window closes when stream time passes its end, which is included, by more than the grace period; a record is dropped
 * for each of its windows that has closed, as `late`. A record without key or value is dropped before it can move stream
 * time. The time of a row is that of the latest record in its window.
 *
 * Source: KIP-450, `KStreamSlidingWindowAggregate`; parity W4-W6, trap 4.
 */
export function slidingAggregate<K, V, A>(
  options: SlidingAggregateOptions<K, V, A>,
): CreateOperator<K, V, Windowed<K>, Change<A>> {
  return (context) => new SlidingAggregate(context, options);
}

class SlidingAggregate<K, V, A> implements Processor<K, V> {
  readonly #context: InternalProcessorContext<Windowed<K>, Change<A>>;
  readonly #store: WindowTableStore<K, A>;
  readonly #differenceMs: number;
  readonly #graceMs: number;
  readonly #initializer: Initializer<A>;
  readonly #aggregator: Aggregator<K, V, A>;
  readonly #close: WindowClose | null;
  #streamTimeMs = -1;

  constructor(
    context: InternalProcessorContext<Windowed<K>, Change<A>>,
    options: SlidingAggregateOptions<K, V, A>,
  ) {
    const {
      store,
      windows,
      emit,
      sendOldValues,
      forwards = true,
      initializer,
      aggregator,
    } = options;
    const { differenceMs, graceMs } = windows;
    this.#context = context;
    this.#store = context.windowTableStore(store);
    this.#differenceMs = differenceMs;
    this.#graceMs = graceMs;
    this.#initializer = initializer;
    this.#aggregator = aggregator;
    this.#close = emit === 'onWindowClose' ? new WindowClose(context, store) : null;
    if (emit === 'onWindowClose' || !forwards) return;
    this.#store.listen(
      (key, startMs, newValue, oldValue, timestampMs, headers) => {
        const windowed = new Windowed(key, startMs, startMs + differenceMs);
        const change = new Change(newValue, oldValue);
        context.forward(new StreamRecord(windowed, change, timestampMs, headers));
      },
      { sendOldValues },
    );
  }

  process(record: StreamRecord<K, V>): void {
    const { key, value, timestampMs } = record;
    if (key === null) {
      this.#context.drop('null-key');
      return;
    }
    if (value === null) {
      this.#context.drop('null-value');
      return;
    }
    if (timestampMs > this.#streamTimeMs) this.#streamTimeMs = timestampMs;
    if (timestampMs + this.#differenceMs < this.#closeMs) {
      this.#context.drop('late');
      return;
    }
    if (timestampMs < this.#differenceMs) this.#processEarly(record);
    else this.#processUsual(record);
    if (this.#close !== null) this.#emitClosed(record, this.#close);
  }

  /** Windows that end before this have closed. */
  get #closeMs(): number {
    return this.#streamTimeMs - this.#graceMs;
  }

  #processUsual(record: StreamRecord<K, V>): void {
    const { key, timestampMs: atMs } = record;
    const differenceMs = this.#differenceMs;
    const windows = this.#store.windowsOf(key, Math.max(0, atMs - 2 * differenceMs), atMs + 1);
    const hasRight = windows.at(-1)?.windowStartMs === atMs + 1;

    let right: Timestamped<A> | null = null;
    let isRightKnown = false;
    let left: WindowOfKey | null = null;
    let hasLeft = false;
    let previousMs: number | null = null;
    for (let index = windows.length - (hasRight ? 2 : 1); index >= 0; index--) {
      const window = windows[index] as WindowOfKey; // index is within
      const { windowStartMs, timestampMs: latestMs } = window;
      const endMs = windowStartMs + differenceMs;
      if (endMs < atMs) {
        left = window;
        previousMs = latestMs;
        break;
      }
      if (endMs > atMs) {
        // Before this record goes in: the window that begins behind it must not hold it.
        if (!isRightKnown && !hasRight) right = this.#later(key, window, atMs);
        isRightKnown = true;
        this.#update(record, windowStartMs);
        continue;
      }
      hasLeft = true;
      this.#update(record, windowStartMs);
      if (latestMs >= atMs) return; // a record of this time has made all windows already
      previousMs = latestMs;
    }

    if (previousMs !== null && previousMs + 1 + differenceMs >= atMs) {
      if (!includesStart(windows, previousMs + 1)) this.#update(record, previousMs + 1);
    }
    if (!hasLeft) {
      const inCommon =
        left !== null && previousMs !== null && previousMs >= atMs - differenceMs
          ? this.#store.get(key, left.windowStartMs)
          : null;
      this.#create(record, atMs - differenceMs, inCommon);
    }
    if (right !== null) this.#copy(record, right);
  }

  #processEarly(record: StreamRecord<K, V>): void {
    const { key, timestampMs: atMs } = record;
    const windows = this.#store.windowsOf(key, 0, atMs + 1);
    const hasRight = windows.at(-1)?.windowStartMs === atMs + 1;
    const [first] = windows;
    const combined = first?.windowStartMs === 0 ? first : null;
    // The last window that holds this time, which may be the combined one, holds all records behind it.
    const holding = windows.at(hasRight ? -2 : -1);
    const right = hasRight || holding === undefined ? null : this.#later(key, holding, atMs);

    for (const { windowStartMs } of windows) {
      if (windowStartMs > 0 && windowStartMs <= atMs) this.#update(record, windowStartMs);
    }
    if (right !== null) this.#copy(record, right);
    if (combined !== null && combined.timestampMs < atMs) {
      const startMs = combined.timestampMs + 1;
      if (!includesStart(windows, startMs)) this.#update(record, startMs);
    }
    this.#update(record, 0);
  }

  /** What a window holds, where there are records behind this time in it; a copy. */
  #later(key: K, { windowStartMs, timestampMs }: WindowOfKey, atMs: number): Timestamped<A> | null {
    return timestampMs > atMs ? this.#store.get(key, windowStartMs) : null;
  }

  /** The window that begins right behind the record, which holds what another window did before the record came. */
  #copy({ key, timestampMs, headers }: StreamRecord<K, V>, right: Timestamped<A>): void {
    this.#store.update(key, timestampMs + 1, right.value, right.timestampMs, headers);
  }

  /** Folds the record into a window that may be there already. */
  #update(record: StreamRecord<K, V>, startMs: number): void {
    if (this.#isClosed(startMs)) return;
    const { key } = record;
    const old = this.#store.getOwn(key, startMs);
    try {
      this.#fold(record, startMs, old);
    } catch (error) {
      this.#store.disown(key, startMs); // the aggregator may have changed the row's object before it failed
      throw error;
    }
  }

  /** Folds the record into a new window that begins with this aggregate. */
  #create(record: StreamRecord<K, V>, startMs: number, inCommon: Timestamped<A> | null): void {
    if (!this.#isClosed(startMs)) this.#fold(record, startMs, inCommon);
  }

  #fold(record: StreamRecord<K, V>, startMs: number, old: Timestamped<A> | null): void {
    const { key, value, timestampMs, headers } = record;
    const before = old === null ? returned(this.#initializer(), 'initializer') : old.value;
    const aggregate = returned(this.#aggregator(key, value, before), 'aggregator');
    const recentMs = old === null ? timestampMs : Math.max(timestampMs, old.timestampMs);
    // The aggregator may keep the record's value, which sibling branches and its other windows see too.
    if (Object.is(aggregate, value)) {
      this.#store.updateShared(key, startMs, aggregate, recentMs, headers);
    } else {
      this.#store.update(key, startMs, aggregate, recentMs, headers);
    }
  }

  #isClosed(startMs: number): boolean {
    if (startMs + this.#differenceMs >= this.#closeMs) return false;
    this.#context.drop('late');
    return true;
  }

  #emitClosed({ headers }: StreamRecord<K, V>, close: WindowClose): void {
    const closeMs = this.#closeMs;
    if (!close.takeLook(closeMs)) return;
    const fromMs = Math.max(0, close.emittedToMs - this.#differenceMs);
    const toMs = closeMs - this.#differenceMs - 1; // a window that ends at `closeMs` takes records still
    if (toMs < fromMs) return;
    for (const { key, windowStartMs, value, timestampMs } of this.#store.startedIn(fromMs, toMs)) {
      const windowed = new Windowed(key, windowStartMs, windowStartMs + this.#differenceMs);
      const change = new Change(value, null);
      this.#context.forward(new StreamRecord(windowed, change, timestampMs, headers));
    }
    close.emitted(closeMs);
  }
}

function includesStart(windows: readonly WindowOfKey[], startMs: number): boolean {
  return windows.some(({ windowStartMs }) => windowStartMs === startMs);
}
