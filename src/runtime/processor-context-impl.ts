import { parseDuration, type Duration } from '../common/duration.ts';
import { StreamsError } from '../common/errors.ts';
import { NO_HEADERS, type Headers, type StreamRecord } from '../common/record.ts';
import type { Logger } from '../observability/logger.ts';
import type { Counter } from '../observability/metrics.ts';
import type { DroppedReason } from '../processor/dropped-reason.ts';
import { FixedKeyRecord } from '../processor/fixed-key-record.ts';
import type { InternalProcessorContext, Shared } from '../processor/internal-processor-context.ts';
import type { FixedKeyProcessorContext } from '../processor/processor-context.ts';
import type {
  Cancellable,
  PunctuationType,
  Punctuator,
  ScheduleOptions,
} from '../processor/punctuator.ts';
import type { RecordMetadata } from '../processor/record-metadata.ts';
import type { JoinStore } from '../state/join-store.ts';
import type { OuterJoinStore } from '../state/outer-join-store.ts';
import type { SessionStore } from '../state/session-store.ts';
import type { SessionTableStore } from '../state/session-table-store.ts';
import type { SubscriptionStore } from '../state/subscription-store.ts';
import type { ChangeBuffer, TimeOrderedBuffer } from '../state/time-ordered-buffer.ts';
import type { VersionedKeyValueStore } from '../state/versioned-key-value-store.ts';
import type { KeyValueStore } from '../state/key-value-store.ts';
import type { TableStore } from '../state/table-store.ts';
import type { WindowStore } from '../state/window-store.ts';
import type { WindowTableStore } from '../state/window-table-store.ts';
import type { ConnectedStores } from './connected-stores.ts';
import type { CurrentRecord } from './current-record.ts';
import type { ProcessorNode } from './processor-node.ts';
import type { ProcessorTimes } from './processor-times.ts';

/** A punctuator as a processor schedules it, checked. */
export interface ScheduleRequest {
  readonly intervalMs: number;
  readonly type: PunctuationType;
  readonly punctuator: Punctuator;
  /** Null: aligned as its type says. */
  readonly startTimeMs: number | null;
}

/** What a context needs of the task behind it. */
export interface ContextTask {
  readonly applicationId: string;
  readonly logger: Logger;
  readonly current: CurrentRecord;
  readonly streamTimeMs: number;
  systemTimeMs(): number;
  schedule(node: ProcessorNode, request: ScheduleRequest): Cancellable;
  requestCommit(): void;
  /** Forwards what a store's cache lets go of while no record is being processed; false where nothing is flushed. */
  forwardFlushed(
    children: readonly ProcessorNode[],
    record: StreamRecord<unknown, unknown>,
  ): boolean;
  readonly emitIntervalMs: number;
  shared<T>(shared: Shared<T>): T;
  readonly processorTimes: ProcessorTimes;
  counter(node: string, name: string): Counter;
  drop(node: string, reason: DroppedReason): void;
}

/** One node's view of its task. `ProcessorContext` and `InternalProcessorContext` say what each member does. */
export class ProcessorContextImpl implements InternalProcessorContext {
  readonly applicationId: string;
  readonly taskId: string;
  readonly logger: Logger;
  readonly #task: ContextTask;
  readonly #current: CurrentRecord;
  readonly #node: ProcessorNode;
  readonly #stores: ConnectedStores;

  constructor(task: ContextTask, node: ProcessorNode, stores: ConnectedStores) {
    this.applicationId = task.applicationId;
    this.taskId = task.current.taskId;
    this.logger = task.logger;
    this.#task = task;
    this.#current = task.current;
    this.#node = node;
    this.#stores = stores;
  }

  forward(record: StreamRecord<unknown, unknown>, childName?: string): void {
    const { children } = this.#node;
    if (this.#current.record === null) {
      this.#forwardFlushed(children, record);
      return;
    }
    if (childName !== undefined) {
      this.#child(childName).process(record);
      return;
    }
    for (const child of children) child.process(record);
  }

  schedule(
    interval: Duration,
    type: PunctuationType,
    punctuator: Punctuator,
    { startTimeMs }: ScheduleOptions = {},
  ): Cancellable {
    const intervalMs = parseDuration(interval, 'interval');
    if (intervalMs < 1) {
      throw this.#badSchedule('interval', 'a punctuation needs an interval of at least 1 ms');
    }
    if (startTimeMs !== undefined && !(Number.isSafeInteger(startTimeMs) && startTimeMs >= 0)) {
      throw this.#badSchedule(
        'startTimeMs',
        `a punctuation cannot start at ${startTimeMs}: give whole milliseconds since the epoch`,
      );
    }
    const request = { intervalMs, type, punctuator, startTimeMs: startTimeMs ?? null };
    return this.#task.schedule(this.#node, request);
  }

  fixedKey(): FixedKeyProcessorContext {
    return new FixedKeyContextImpl(this, this.#task, this.#node, this.#stores);
  }

  commit(): void {
    this.#task.requestCommit();
  }

  get recordMetadata(): RecordMetadata | null {
    return this.#current.metadata;
  }

  get headers(): Headers {
    // Not the current record's where another async node is at work too.
    return (this.#node.running ?? this.#current.record)?.headers ?? NO_HEADERS;
  }

  get currentStreamTimeMs(): number {
    return this.#task.streamTimeMs;
  }

  get currentSystemTimeMs(): number {
    return this.#task.systemTimeMs();
  }

  keyValueStore<K, V>(name: string): KeyValueStore<K, V> {
    return this.#stores.keyValueStore<K, V>(name);
  }

  windowStore<K, V>(name: string): WindowStore<K, V> {
    return this.#stores.windowStore<K, V>(name);
  }

  tableStore<K, V>(name: string): TableStore<K, V> {
    return this.#stores.tableStore<K, V>(name);
  }

  windowTableStore<K, V>(name: string): WindowTableStore<K, V> {
    return this.#stores.windowTableStore<K, V>(name);
  }

  sessionStore<K, A>(name: string): SessionStore<K, A> {
    return this.#stores.sessionStore<K, A>(name);
  }

  sessionTableStore<K, A>(name: string): SessionTableStore<K, A> {
    return this.#stores.sessionTableStore<K, A>(name);
  }

  joinStore<K, V>(name: string): JoinStore<K, V> {
    return this.#stores.joinStore<K, V>(name);
  }

  outerJoinStore<K, VL, VR>(name: string): OuterJoinStore<K, VL, VR> {
    return this.#stores.outerJoinStore<K, VL, VR>(name);
  }

  changeBuffer<K, V>(name: string): ChangeBuffer<K, V> {
    return this.#stores.changeBuffer<K, V>(name);
  }

  recordBuffer<K, V>(name: string): TimeOrderedBuffer<K, V> {
    return this.#stores.recordBuffer<K, V>(name);
  }

  versionedKeyValueStore<K, V>(name: string): VersionedKeyValueStore<K, V> {
    return this.#stores.versionedKeyValueStore<K, V>(name);
  }

  subscriptionStore<FK, PK, V>(name: string): SubscriptionStore<FK, PK, V> {
    return this.#stores.subscriptionStore<FK, PK, V>(name);
  }

  counter(name: string): Counter {
    return this.#task.counter(this.#node.name, name);
  }

  get emitIntervalMs(): number {
    return this.#task.emitIntervalMs;
  }

  shared<T>(shared: Shared<T>): T {
    return this.#task.shared(shared);
  }

  processorTimeMs(name: string): number | null {
    return this.#task.processorTimes.get(name);
  }

  keepProcessorTime(name: string, timeMs: number): void {
    this.#task.processorTimes.keep(name, timeMs);
  }

  drop(reason: DroppedReason): void {
    this.#task.drop(this.#node.name, reason);
  }

  #badSchedule(option: string, message: string): StreamsError {
    return new StreamsError('STREAMS_CONFIG', message, {
      site: { taskId: this.taskId, node: this.#node.name, option },
    });
  }

  #child(name: string): ProcessorNode {
    const { children } = this.#node;
    const child = children.find((node) => node.name === name);
    if (child !== undefined) return child;
    const names = children.map((node) => node.name).join(', ') || 'none';
    throw new StreamsError(
      'STREAMS_TOPOLOGY',
      `'${name}' is no child of this node, whose children are: ${names}`,
      { site: this.#current.site(this.#node.name) },
    );
  }

  #forwardFlushed(
    children: readonly ProcessorNode[],
    record: StreamRecord<unknown, unknown>,
  ): void {
    if (this.#task.forwardFlushed(children, record)) return;
    throw new StreamsError(
      'STREAMS_PROCESSING',
      'forward was called when the processor had no record: it may be called in process and in a punctuator, and by async ' +
        'ones until their promise has settled',
      { site: this.#current.site(this.#node.name) },
    );
  }
}

/** As the context it is made of, but takes only records whose key nobody can have changed. */
class FixedKeyContextImpl extends ProcessorContextImpl implements FixedKeyProcessorContext {
  readonly #open: ProcessorContextImpl;

  constructor(
    open: ProcessorContextImpl,
    ...parts: ConstructorParameters<typeof ProcessorContextImpl>
  ) {
    super(...parts);
    this.#open = open;
  }

  override forward(record: object, childName?: string): void {
    if (!(record instanceof FixedKeyRecord)) {
      throw new StreamsError(
        'STREAMS_PROCESSING',
        'a fixed-key processor forwards the record that it was given, or what its with… methods make of it: use ' +
          'process() to change keys',
      );
    }
    this.#open.forward(FixedKeyRecord.open(record), childName);
  }
}
