import type { Timers } from '../../src/common/clock.ts';
import { StreamsError } from '../../src/common/errors.ts';
import { NO_HEADERS, type Headers } from '../../src/common/record.ts';
import { TaskId } from '../../src/common/task-id.ts';
import { SILENT_LOGGER } from '../../src/observability/logger.ts';
import { MetricsRegistry } from '../../src/observability/metrics-registry.ts';
import type { SourcePosition } from '../../src/runtime/stream-task.ts';
import { StreamTask } from '../../src/runtime/stream-task.ts';
import type { StreamsOptions } from '../../src/runtime/streams-config.ts';
import { parseStreamsConfig } from '../../src/runtime/streams-config.ts';
import { TopicNames } from '../../src/runtime/task-topology.ts';
import { serdes } from '../../src/serde/serdes.ts';
import { eraseSerde } from '../../src/topology/erase.ts';
import { MemoryTaskStorage } from '../../src/state/memory-task-storage.ts';
import { SharedObjectBudget } from '../../src/state/shared-object-budget.ts';
import { SharedRecordCache } from '../../src/state/shared-record-cache.ts';
import type { TaskStorage } from '../../src/state/task-storage.ts';
import { MemoryRecordCursor, memoryChunk } from '../../src/testing/memory-records.ts';
import type { Plannable } from '../../src/testing/topology-test-driver.ts';
import { VirtualClock } from '../../src/testing/virtual-clock.ts';
import { MemorySink } from './memory-sink.ts';

export interface TaskHarnessOptions {
  readonly config?: Partial<StreamsOptions>;
  readonly sink?: MemorySink;
  readonly storage?: TaskStorage;
  readonly positions?: readonly SourcePosition[];
  /** Of every source partition; undefined: not fetched yet. */
  readonly lag?: number | undefined;
  readonly timers?: Timers;
}

/** `key=value@timestamp`; an empty key or value is null. */
export function bytesOf(line: string): {
  key: Uint8Array | null;
  value: Uint8Array | null;
  timestampMs: number;
} {
  const match = /^([^=]*)=([^@]*)@(-?\d+)$/.exec(line);
  if (match === null) throw new StreamsError('STREAMS_INVARIANT', `'${line}' is no record`);
  const [, key = '', value = '', timestampMs] = match;
  return {
    key: key === '' ? null : Buffer.from(key),
    value: value === '' ? null : Buffer.from(value),
    timestampMs: Number(timestampMs),
  };
}

/** Task 0_0 of a topology with one sub-topology, driven by hand. Serdes are strings unless the topology names others. */
export class TaskHarness {
  readonly task: StreamTask;
  readonly sink: MemorySink;
  readonly storage: TaskStorage;
  readonly clock = new VirtualClock(0);
  readonly metrics = new MetricsRegistry();
  lag: number | undefined;
  readonly #offsets = new Map<string, number>();

  constructor(topology: Plannable, options: TaskHarnessOptions = {}) {
    const { sink = new MemorySink(), storage = new MemoryTaskStorage() } = options;
    this.sink = sink;
    this.storage = storage;
    this.lag = 'lag' in options ? options.lag : 0;
    const plan = topology.plan();
    const [subtopology] = plan.subtopologies;
    if (subtopology === undefined) throw new StreamsError('STREAMS_INVARIANT', 'nothing to run');
    const config = parseStreamsConfig({
      applicationId: 'app',
      brokers: ['broker:9092'],
      defaultKeySerde: eraseSerde(serdes.string),
      defaultValueSerde: eraseSerde(serdes.string),
      ...options.config,
    });
    const repartitionTopics = new Set(plan.repartitionTopics.map(({ name }) => name));
    const names = new TopicNames(config.applicationId, repartitionTopics);
    this.task = StreamTask.open({
      id: new TaskId(0, 0),
      subtopology,
      repartitionTopics,
      sourcePartitions: subtopology.sourceTopics.map((topic) => ({
        topic: names.resolve(topic),
        partition: 0,
      })),
      config,
      storage,
      sink,
      recordCache: new SharedRecordCache(config.statestoreCacheMaxBytes),
      objects: new SharedObjectBudget(config.stateObjectsMaxBytes),
      globalStores: new Map(),
      createCursor: () => new MemoryRecordCursor(),
      lag: () => this.lag,
      clock: this.clock,
      timers: options.timers,
      metrics: this.metrics,
      tags: {},
      logger: SILENT_LOGGER,
    });
  }

  static async start(topology: Plannable, options: TaskHarnessOptions = {}): Promise<TaskHarness> {
    const harness = new TaskHarness(topology, options);
    const { positions = harness.positions() } = options;
    await harness.task.start(positions);
    return harness;
  }

  positions(offset: number | null = 0, metadata = ''): SourcePosition[] {
    return this.task.sourcePartitions.map((partition) => ({ ...partition, offset, metadata }));
  }

  /** Adds records as one chunk; offsets go on where the last one ended. */
  add(topic: string, lines: readonly string[], headers: Headers = NO_HEADERS): void {
    const first = this.#offsets.get(topic) ?? 0;
    this.#offsets.set(topic, first + lines.length);
    const records = lines.map((line, i) => ({ ...bytesOf(line), offset: first + i, headers }));
    this.task.addChunk(memoryChunk(topic, 0, records));
  }

  /** Processes everything, waiting for async processors; throws what the task throws. */
  async run(): Promise<number> {
    let processed = 0;
    for (;;) {
      const more = this.task.process(Infinity, Infinity);
      await this.task.pending;
      if (more === 0) return processed;
      processed += more;
    }
  }

  /** Adds one chunk and processes it. */
  async pipe(topic: string, ...lines: string[]): Promise<void> {
    this.add(topic, lines);
    await this.run();
  }

  /** `topic@offset` of what a commit would say; then commits. */
  async commit(): Promise<string[]> {
    this.task.prepareCommit();
    while (this.task.pending !== null) {
      await this.task.pending;
      this.task.prepareCommit();
    }
    const offsets = this.task.committableOffsets().map(({ topic, offset }) => `${topic}@${offset}`);
    await this.storage.write(this.task.seal(new Map()));
    this.task.postCommit();
    return offsets;
  }

  dropped(): Record<string, number> {
    const samples = this.metrics.snapshot().filter(({ name }) => name === 'dropped-records-total');
    return Object.fromEntries(samples.map(({ tags, value }) => [tags['reason'] ?? '', value]));
  }
}
