import { SILENT_LOGGER } from '../../../src/observability/logger.ts';
import { MetricsRegistry } from '../../../src/observability/metrics-registry.ts';
import type { CreateProcessor } from '../../../src/processor/processor.ts';
import { GlobalTask } from '../../../src/runtime/global-task.ts';
import { parseStreamsConfig, type StreamsOptions } from '../../../src/runtime/streams-config.ts';
import { serdes } from '../../../src/serde/serdes.ts';
import { MemoryTaskStorage } from '../../../src/state/memory-task-storage.ts';
import { SharedObjectBudget } from '../../../src/state/shared-object-budget.ts';
import { SharedRecordCache } from '../../../src/state/shared-record-cache.ts';
import { asKeyValueStore } from '../../../src/state/store-views.ts';
import { Stores } from '../../../src/state/stores.ts';
import { memoryChunk, MemoryRecordCursor } from '../../../src/testing/memory-records.ts';
import { VirtualClock } from '../../../src/testing/virtual-clock.ts';
import { Topology } from '../../../src/topology/topology.ts';
import { bytesOf } from '../../support/task-harness.ts';

const TEXT = { key: serdes.string, value: serdes.string };

const write: CreateProcessor<string, string, never, never> = (context) => {
  const names = context.keyValueStore<string, string>('names');
  return {
    process: ({ key, value }) => {
      if (value === 'bad') throw new Error('bad');
      names.put(key, value);
    },
  };
};

function open(
  storage: MemoryTaskStorage,
  { persistent = true, ...config }: Partial<StreamsOptions> & { persistent?: boolean } = {},
): Promise<GlobalTask> {
  const store = Stores.keyValue({ name: 'names', ...TEXT, logging: false, persistent });
  const topology = new Topology().addGlobalStore(store, {
    ...TEXT,
    topic: 'names',
    sourceName: 'source',
    processorName: 'processor',
    processor: { create: write, stores: ['names'] },
  });
  return GlobalTask.open({
    globalStores: topology.plan().globalStores,
    partitions: [0, 1].map((partition) => ({ topic: 'names', partition })),
    config: parseStreamsConfig({ applicationId: 'app', brokers: ['broker:9092'], ...config }),
    storage,
    recordCache: new SharedRecordCache(0),
    objects: new SharedObjectBudget(1_000_000),
    createCursor: () => new MemoryRecordCursor(),
    clock: new VirtualClock(7),
    metrics: new MetricsRegistry(),
    tags: {},
    logger: SILENT_LOGGER,
  });
}

function add(task: GlobalTask, partition: number, first: number, ...lines: string[]): void {
  const records = lines.map((line, i) => ({ ...bytesOf(line), offset: first + i, headers: [] }));
  task.addChunk(memoryChunk('names', partition, records));
  while (task.pending === null && task.process(Infinity, Infinity) > 0);
}

function get(task: GlobalTask, key: string): string | null {
  const store = task.stores.get('names');
  return store === undefined ? null : asKeyValueStore<string, string>(store).get(key);
}

describe('global task', () => {
  test('writes what all partitions of its topic bring, and waits for none of them', async () => {
    const task = await open(new MemoryTaskStorage());
    add(task, 1, 0, 'b=Bob@5');
    add(task, 0, 0, 'a=Ann@1');
    expect([get(task, 'a'), get(task, 'b')]).toEqual(['Ann', 'Bob']);
  });

  test('a checkpoint brings rows and positions to the storage together, and the next task goes on there', async () => {
    const storage = new MemoryTaskStorage();
    const task = await open(storage);
    expect(task.position('names', 1)).toBeUndefined();
    add(task, 1, 4, 'b=Bob@5');
    await task.checkpoint(new Map([['names', 'id']]));
    add(task, 1, 5, 'b=Bert@6');
    await task.close();

    const next = await open(storage);
    expect(next.position('names', 1)).toEqual({ topicId: 'id', offset: 5, wallTimeMs: 7 });
    expect(get(next, 'b')).toBe('Bob');
  });

  test('a store in memory is read from the beginning, wherever the last task was', async () => {
    const storage = new MemoryTaskStorage();
    const task = await open(storage, { persistent: false });
    add(task, 1, 4, 'b=Bob@5');
    await task.checkpoint(new Map([['names', 'id']]));
    expect(task.position('names', 1)).toBeUndefined();
  });

  test('applies the handlers, but has no dead-letter topics', async () => {
    const skipping = await open(new MemoryTaskStorage(), {
      processingExceptionHandler: () => 'continue',
    });
    add(skipping, 0, 0, 'a=bad@0', 'b=Bob@0');
    expect([get(skipping, 'a'), get(skipping, 'b')]).toEqual([null, 'Bob']);

    const task = await open(new MemoryTaskStorage(), {
      processingExceptionHandler: () => ({ deadLetter: 'dead' }),
    });
    add(task, 0, 0, 'a=bad@0');
    await expect(task.pending).rejects.toMatchObject({ code: 'STREAMS_CONFIG' });
  });
});
