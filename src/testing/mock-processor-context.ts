import { StreamRecord, type Headers } from '../common/record.ts';
import { FixedKeyRecord } from '../processor/fixed-key-record.ts';
import type { FixedKeyProcessorContext, ProcessorContext } from '../processor/processor-context.ts';
import type { RecordMetadata } from '../processor/record-metadata.ts';
import {
  MockTask,
  type Forwarded,
  type MockContextOptions,
  type ScheduledPunctuator,
} from './mock-task.ts';

/** What a context of a task would show to the processor while it processes a record. */
export interface MockRecordContext {
  readonly metadata?: RecordMetadata;
  readonly headers?: Headers;
  /** Dates what stores write to their changelogs; 0 if left out. */
  readonly timestampMs?: number;
}

/** What both mock contexts have in common: `context` is the one that the processor gets. */
abstract class MockContext {
  readonly #task: MockTask;

  constructor(task: MockTask) {
    this.#task = task;
  }

  /** What the context shows from now on; nothing, as in a punctuator, where it is left out. */
  setRecordContext({ metadata, headers, timestampMs = 0 }: MockRecordContext = {}): void {
    this.#task.current.metadata = metadata ?? null;
    this.#task.current.record = new StreamRecord(null, null, timestampMs, headers);
  }

  setStreamTime(timestampMs: number): void {
    this.#task.streamTimeMs = timestampMs;
  }

  setWallClock(timestampMs: number): void {
    this.#task.wallClockMs = timestampMs;
  }

  /** In the order in which they were scheduled, cancelled ones too. */
  get scheduledPunctuators(): readonly ScheduledPunctuator[] {
    return this.#task.punctuators;
  }

  /** Whether the processor has asked for a commit. */
  get isCommitRequested(): boolean {
    return this.#task.isCommitRequested;
  }

  /** What a counter of the processor's own stands at. */
  counter(name: string): number {
    return this.#task.metrics
      .snapshot()
      .filter((sample) => sample.name === name)
      .reduce((sum, { value }) => sum + value, 0);
  }

  resetForwarded(): void {
    this.#task.context.forwarded.length = 0;
  }

  resetCommit(): void {
    this.#task.isCommitRequested = false;
  }
}

/**
 * For tests of one processor alone, which the test makes and calls itself:
 *
 *     const mock = new MockProcessorContext<string, number>({ stores: [Stores.keyValue({ … })] });
 *     const processor = supplier.create(mock.context);
 *     processor.process(new StreamRecord('k', 'v', 0));
 *     expect(mock.forwarded.map(({ record }) => record.value)).toEqual([1]);
 *
 * Stores are the real ones, in memory; nothing is committed and punctuators run only when the test calls them. Source:
 * `org.apache.kafka.streams.processor.api.MockProcessorContext`.
 */
export class MockProcessorContext<KOut = unknown, VOut = unknown> extends MockContext {
  readonly context: ProcessorContext<KOut, VOut>;
  readonly #task: MockTask;

  constructor(options: MockContextOptions = {}) {
    const task = new MockTask(options);
    super(task);
    this.context = task.context;
    this.#task = task;
  }

  /** In order. */
  get forwarded(): readonly Forwarded<StreamRecord<KOut, VOut>>[] {
    return this.#task.context.forwarded.map(({ record, childName }) => ({
      // All that was forwarded went through `context`, which takes no other types.
      record: record as StreamRecord<KOut, VOut>,
      childName,
    }));
  }
}

/** As `MockProcessorContext`, for fixed-key processors, whose records only `record` can make. Source: KIP-1027. */
export class MockFixedKeyProcessorContext<K = unknown, VOut = unknown> extends MockContext {
  readonly context: FixedKeyProcessorContext<K, VOut>;
  readonly #task: MockTask;

  constructor(options: MockContextOptions = {}) {
    const task = new MockTask(options);
    super(task);
    this.context = task.context.fixedKey();
    this.#task = task;
  }

  /** A record for the processor to process. */
  record<V>(
    key: K,
    value: V,
    { timestampMs = 0, headers }: Pick<MockRecordContext, 'timestampMs' | 'headers'> = {},
  ): FixedKeyRecord<K, V> {
    return new FixedKeyRecord(new StreamRecord(key, value, timestampMs, headers));
  }

  /** In order. */
  get forwarded(): readonly Forwarded<FixedKeyRecord<K, VOut>>[] {
    return this.#task.context.forwarded.map(({ record, childName }) => ({
      record: new FixedKeyRecord(record as StreamRecord<K, VOut>),
      childName,
    }));
  }
}
