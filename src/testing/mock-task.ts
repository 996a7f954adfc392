import { StreamsError } from '../common/errors.ts';
import { StreamRecord } from '../common/record.ts';
import { SILENT_LOGGER } from '../observability/logger.ts';
import { MetricsRegistry } from '../observability/metrics-registry.ts';
import type { Counter } from '../observability/metrics.ts';
import type { Shared } from '../processor/internal-processor-context.ts';
import type { Cancellable, PunctuationType, Punctuator } from '../processor/punctuator.ts';
import type { RecordMetadata } from '../processor/record-metadata.ts';
import { AsyncCalls } from '../runtime/async-calls.ts';
import { ConnectedStores } from '../runtime/connected-stores.ts';
import { CurrentRecord } from '../runtime/current-record.ts';
import {
  ProcessorContextImpl,
  type ContextTask,
  type ScheduleRequest,
} from '../runtime/processor-context-impl.ts';
import { ProcessorNode } from '../runtime/processor-node.ts';
import { ProcessorStateManager } from '../runtime/processor-state-manager.ts';
import { ProcessorTimes } from '../runtime/processor-times.ts';
import { MemoryTaskStorage } from '../state/memory-task-storage.ts';
import { SharedObjectBudget } from '../state/shared-object-budget.ts';
import { SharedRecordCache } from '../state/shared-record-cache.ts';
import type { StoreBuilder } from '../state/store-builder.ts';
import { MemoryTopics } from './memory-topics.ts';

const NODE = 'processor';
/** Of the stores' decoded entries: they are in memory anyway. */
const OBJECT_BYTES = 32 * 1024 * 1024;

/** The task that the processor believes to be in. */
export interface MockContextOptions {
  /** `test` if left out. */
  readonly applicationId?: string;
  /** `0_0` if left out. */
  readonly taskId?: string;
  /** Stores that the processor may ask for: the real ones, empty and in memory, without caches. */
  readonly stores?: readonly StoreBuilder[];
}

/** A punctuator that a processor under test has scheduled. It runs only when the test calls it. */
export interface ScheduledPunctuator {
  readonly intervalMs: number;
  readonly type: PunctuationType;
  /** Null where the schedule has no anchor. */
  readonly startTimeMs: number | null;
  readonly punctuator: Punctuator;
  readonly isCancelled: boolean;
}

/** A record that a processor under test has forwarded. */
export interface Forwarded<R> {
  readonly record: R;
  /** Null where it went to every child. */
  readonly childName: string | null;
}

class MockCurrentRecord extends CurrentRecord {
  #metadata: RecordMetadata | null = null;

  override get metadata(): RecordMetadata | null {
    return this.#metadata;
  }

  override set metadata(metadata: RecordMetadata | null) {
    this.#metadata = metadata;
  }
}

class CapturingContext extends ProcessorContextImpl {
  readonly forwarded: Forwarded<StreamRecord<unknown, unknown>>[] = [];

  override forward(record: StreamRecord<unknown, unknown>, childName?: string): void {
    this.forwarded.push({ record, childName: childName ?? null });
  }
}

/** A task without nodes or records, for one processor that a test calls itself: the runtime's context and stores. */
export class MockTask implements ContextTask {
  readonly applicationId: string;
  readonly logger = SILENT_LOGGER;
  readonly current: MockCurrentRecord;
  readonly context: CapturingContext;
  readonly punctuators: ScheduledPunctuator[] = [];
  readonly metrics = new MetricsRegistry();
  readonly emitIntervalMs = 0;
  readonly processorTimes = new ProcessorTimes();
  isCommitRequested = false;
  streamTimeMs = 0;
  wallClockMs = 0;

  constructor({ applicationId = 'test', taskId = '0_0', stores = [] }: MockContextOptions) {
    this.applicationId = applicationId;
    this.current = new MockCurrentRecord(taskId);
    this.current.record = new StreamRecord(null, null, 0);
    const { current, metrics } = this;
    const state = new ProcessorStateManager({
      stores,
      applicationId,
      partition: 0,
      storage: new MemoryTaskStorage(),
      sink: new MemoryTopics(),
      recordCache: new SharedRecordCache(0),
      objects: new SharedObjectBudget(OBJECT_BYTES),
      metrics,
      tags: {},
      current,
      dropExpiredWindow: () => {
        this.drop(NODE, 'expired-window');
      },
    });
    const node = new ProcessorNode({
      name: NODE,
      current,
      calls: new AsyncCalls({ current, maxWaiting: 0 }),
      create: () => ({ process: () => undefined }),
    });
    const connected = new ConnectedStores({
      node: NODE,
      names: stores.map(({ name }) => name),
      stores: state.stores,
      globalStores: new Map(),
      site: { taskId },
    });
    this.context = new CapturingContext(this, node, connected);
  }

  systemTimeMs(): number {
    return this.wallClockMs;
  }

  schedule(_node: ProcessorNode, request: ScheduleRequest): Cancellable {
    const scheduled = { ...request, isCancelled: false };
    this.punctuators.push(scheduled);
    return {
      cancel: () => {
        scheduled.isCancelled = true;
      },
    };
  }

  shared<T>(shared: Shared<T>): T {
    return shared.create(); // there is no other processor to share it with
  }

  requestCommit(): void {
    this.isCommitRequested = true;
  }

  forwardFlushed(): boolean {
    throw new StreamsError('STREAMS_INVARIANT', 'the stores of a mock context cache nothing');
  }

  counter(_node: string, name: string): Counter {
    return this.metrics.counter(name, {});
  }

  drop(_node: string, reason: string): void {
    this.metrics.counter('dropped-records-total', { reason }).add(1);
  }
}
