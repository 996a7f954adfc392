import type { JoinStore } from '../state/join-store.ts';
import type { OuterJoinStore } from '../state/outer-join-store.ts';
import type { SessionTableStore } from '../state/session-table-store.ts';
import type { SubscriptionStore } from '../state/subscription-store.ts';
import type { TableStore } from '../state/table-store.ts';
import type { ChangeBuffer, TimeOrderedBuffer } from '../state/time-ordered-buffer.ts';
import type { WindowTableStore } from '../state/window-table-store.ts';
import type { DroppedReason } from './dropped-reason.ts';
import type { Processor } from './processor.ts';
import type { FixedKeyProcessorContext, ProcessorContext } from './processor-context.ts';

/** Something that several processors of a task share: each of them has this same object. */
export interface Shared<T> {
  readonly create: () => T;
}

/** What the built-in operators see beyond `ProcessorContext`. */
export interface InternalProcessorContext<KOut = unknown, VOut = unknown> extends ProcessorContext<
  KOut,
  VOut
> {
  /** The same context for a processor that cannot change keys. */
  fixedKey(): FixedKeyProcessorContext<KOut, VOut>;
  /** A connected store that keeps the rows of a table, as the DSL uses it; a global table's too, read-only. */
  tableStore<K, V>(name: string): TableStore<K, V>;
  windowTableStore<K, V>(name: string): WindowTableStore<K, V>;
  sessionTableStore<K, A>(name: string): SessionTableStore<K, A>;
  joinStore<K, V>(name: string): JoinStore<K, V>;
  outerJoinStore<K, VL, VR>(name: string): OuterJoinStore<K, VL, VR>;
  /** Of `suppress`. */
  changeBuffer<K, V>(name: string): ChangeBuffer<K, V>;
  /** Of a stream-table join with grace. */
  recordBuffer<K, V>(name: string): TimeOrderedBuffer<K, V>;
  subscriptionStore<FK, PK, V>(name: string): SubscriptionStore<FK, PK, V>;
  /** Least wall-clock time between two looks for results that stream time makes due; `emitIntervalMs` of the application. */
  readonly emitIntervalMs: number;
  /** Made once for all processors of the task that ask with the same object, and gone with them. */
  shared<T>(shared: Shared<T>): T;
  /** A time that an operator keeps across restarts: it is committed with the offsets of the task. Null where none is. */
  processorTimeMs(name: string): number | null;
  keepProcessorTime(name: string, timeMs: number): void;
  /** Counts the current record in `dropped-records-total` under a reason; logs the first of each reason. */
  drop(reason: DroppedReason): void;
}

/** As `CreateProcessor`, for every node of a plan, once its types are gone. */
export type CreateInternalProcessor = (context: InternalProcessorContext) => Processor;
