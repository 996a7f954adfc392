import type { JoinWindows } from '../common/join-windows.ts';
import { StreamRecord } from '../common/record.ts';
import type { InternalProcessorContext, Shared } from '../processor/internal-processor-context.ts';
import type { Processor } from '../processor/processor.ts';
import type { JoinStore } from '../state/join-store.ts';
import type { OuterJoinStore, PendingRecord } from '../state/outer-join-store.ts';
import type { JoinTime } from './join-time.ts';
import type { CreateOperator } from './operator.ts';
import { returned } from './returned.ts';

export type JoinSide = PendingRecord<unknown, unknown, unknown>['side'];

/** Gets null for the record that is missing, in joins where one of that side alone gives a result. */
export type StreamJoiner<K, VL, VR, VOut> = (left: VL | null, right: VR | null, key: K) => VOut;

export interface StreamStreamJoinOptions<K, VL, VR, VOut> {
  /** Of the records that are processed here. */
  readonly side: JoinSide;
  readonly windows: JoinWindows;
  readonly joiner: StreamJoiner<K, VL, VR, VOut>;
  /** The records of the other side. */
  readonly otherStore: string;
  /** Which sides' records give a result without a match. */
  readonly loneSides: readonly JoinSide[];
  /** Where those wait; null in an inner join. */
  readonly pendingStore: string | null;
  readonly time: Shared<JoinTime>;
}

/**
 * One side of a join of two streams: every record is joined with those of its key that the other side has had within the
 * join window, and in a left or outer join waits for a match where there is none yet.
 *
 *     in     StreamRecord<K, V>
 *     out    StreamRecord<K, VOut>, as recent as the more recent of the two records
 *     reads  JoinStore<K, V> of the other side
 *     state  OuterJoinStore<K, VL, VR>, shared by both sides, in a left or outer join
 *
 * A record without a match is given with null, its own time and key, when its window has closed: when stream time, which
 * is that of both sides, is past its time, the bound of the window and the grace period. That is looked at when a record
 * moves stream time, before that record is joined, and at most once in an `emitIntervalMs` of wall-clock time. Where the
 * window lies before stream time already, and for a record without a key, the result comes at once.
 *
 * Dropped: a record without a value, and one without a key that would need a match (`null-value`, `null-join-key`). These
 * move stream time too.
 *
 * Source: KAFKA-10847, KIP-962, `KStreamKStreamJoin`; parity J1-J6, M12, traps 10-15, 57.
 */
export function streamStreamJoin<K, VL, VR, VOut>(
  options: StreamStreamJoinOptions<K, VL, VR, VOut>,
): CreateOperator<K, VL | VR, K, VOut> {
  return (context) => new StreamStreamJoin(context, options);
}

class StreamStreamJoin<K, VL, VR, VOut> implements Processor<K, VL | VR> {
  readonly #context: InternalProcessorContext<K, VOut>;
  readonly #time: JoinTime;
  readonly #others: JoinStore<K, VL | VR>;
  readonly #pending: OuterJoinStore<K, VL, VR> | null;
  readonly #isLeft: boolean;
  readonly #otherSide: JoinSide;
  readonly #isLone: boolean;
  readonly #othersWait: boolean;
  readonly #beforeMs: number;
  readonly #afterMs: number;
  readonly #windows: JoinWindows;
  readonly #joiner: StreamJoiner<K, VL, VR, VOut>;

  constructor(
    context: InternalProcessorContext<K, VOut>,
    options: StreamStreamJoinOptions<K, VL, VR, VOut>,
  ) {
    const { side, windows, joiner, otherStore, loneSides, pendingStore, time } = options;
    this.#context = context;
    this.#time = context.shared(time);
    this.#others = context.joinStore(otherStore);
    this.#pending = pendingStore === null ? null : context.outerJoinStore(pendingStore);
    this.#isLeft = side === 'left';
    this.#otherSide = this.#isLeft ? 'right' : 'left';
    this.#isLone = loneSides.includes(side);
    this.#othersWait = loneSides.includes(this.#otherSide);
    // Seen from a right record, the window lies the other way round.
    this.#beforeMs = this.#isLeft ? windows.beforeMs : windows.afterMs;
    this.#afterMs = this.#isLeft ? windows.afterMs : windows.beforeMs;
    this.#windows = windows;
    this.#joiner = joiner;
  }

  process(record: StreamRecord<K, VL | VR>): void {
    const { key, value, timestampMs } = record;
    this.#time.advance(timestampMs);
    if (value === null) {
      this.#context.drop('null-value');
      return;
    }
    if (key === null) {
      if (this.#isLone) this.#forward(record, value, null, timestampMs);
      else this.#context.drop('null-join-key');
      return;
    }
    if (this.#pending !== null && timestampMs === this.#time.streamTimeMs) {
      this.#closeWindows(this.#pending, record);
    }
    this.#join(record, value);
  }

  #join(record: StreamRecord<K, VL | VR>, value: VL | VR): void {
    const { key, timestampMs } = record;
    const fromMs = Math.max(0, timestampMs - this.#beforeMs);
    const toMs = Math.max(0, timestampMs + this.#afterMs);
    const others = this.#others.fetch(key, fromMs, toMs);
    for (const other of others) {
      if (this.#othersWait) this.#pending?.remove(this.#otherSide, key, other.timestampMs);
      this.#forward(record, value, other.value, Math.max(timestampMs, other.timestampMs));
    }
    if (others.length > 0 || !this.#isLone) return;
    if (this.#pending === null || toMs < this.#time.streamTimeMs) {
      this.#forward(record, value, null, timestampMs);
      return;
    }
    this.#time.pendingFromMs = Math.min(this.#time.pendingFromMs, timestampMs);
    this.#wait(this.#pending, record);
  }

  /**
   * Gives the records whose window has closed, in the order of the store. The look goes on past the first open window,
   * since the other side's may be shorter, and then knows of nothing older than where it ended: so a record can be late by
   * what its followers are younger, as in Kafka Streams.
   */
  #closeWindows(pending: OuterJoinStore<K, VL, VR>, record: StreamRecord<K, VL | VR>): void {
    const time = this.#time;
    const { graceMs } = this.#windows;
    const mayHaveClosed =
      time.pendingFromMs === Number.POSITIVE_INFINITY ||
      time.pendingFromMs + this.#afterMs + graceMs < time.streamTimeMs;
    if (!mayHaveClosed || !time.takeLook(this.#context)) return;

    time.pendingFromMs = Number.POSITIVE_INFINITY;
    let leftIsOpen = false;
    let rightIsOpen = false;
    let given: PendingRecord<K, VL, VR>[] = [];
    for (const waiting of pending.pending()) {
      time.pendingFromMs = waiting.timestampMs;
      if (leftIsOpen && rightIsOpen) break;
      if (this.#isOpen(waiting)) {
        if (waiting.side === 'left') leftIsOpen = true;
        else rightIsOpen = true;
        continue;
      }
      // Removing takes all of one key and time, so those that may be more of them go first.
      if (given[0] !== undefined && !atOnce(given[0], waiting)) {
        removeAll(pending, given);
        given = [];
      }
      this.#forwardLone(waiting, record);
      given.push(waiting);
    }
    removeAll(pending, given);
  }

  #isOpen({ side, timestampMs }: PendingRecord<K, VL, VR>): boolean {
    const { beforeMs, afterMs, graceMs } = this.#windows;
    const boundMs = side === 'left' ? afterMs : beforeMs;
    return timestampMs + boundMs + graceMs >= this.#time.streamTimeMs;
  }

  #forwardLone(waiting: PendingRecord<K, VL, VR>, { headers }: StreamRecord<K, VL | VR>): void {
    const { key, timestampMs } = waiting;
    const joined =
      waiting.side === 'left'
        ? this.#joiner(waiting.value, null, key)
        : this.#joiner(null, waiting.value, key);
    const value = returned(joined, 'joiner');
    this.#context.forward(new StreamRecord(key, value, timestampMs, headers));
  }

  #forward(
    { key, headers }: StreamRecord<K, VL | VR>,
    value: VL | VR,
    other: VL | VR | null,
    timestampMs: number,
  ): void {
    // The side says which of the two types each has.
    const joined = this.#isLeft
      ? this.#joiner(value as VL, other as VR | null, key)
      : this.#joiner(other as VL | null, value as VR, key);
    this.#context.forward(new StreamRecord(key, returned(joined, 'joiner'), timestampMs, headers));
  }

  #wait(
    pending: OuterJoinStore<K, VL, VR>,
    { key, value, timestampMs }: StreamRecord<K, VL | VR>,
  ): void {
    // The side says which of the two types the value has.
    if (this.#isLeft) pending.put({ side: 'left', key, timestampMs, value: value as VL });
    else pending.put({ side: 'right', key, timestampMs, value: value as VR });
  }
}

type Pending = PendingRecord<unknown, unknown, unknown>;

function atOnce(one: Pending, other: Pending): boolean {
  return one.timestampMs === other.timestampMs && one.side === other.side;
}

function removeAll<K, VL, VR>(
  pending: OuterJoinStore<K, VL, VR>,
  given: readonly PendingRecord<K, VL, VR>[],
): void {
  for (const { side, key, timestampMs } of given) pending.remove(side, key, timestampMs);
}
