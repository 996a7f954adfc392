// Records a second through a task, from fetched record batches to written ones, without a broker, beside loops that do
// the work of the first one by hand. Options: `--records n --rounds n --keys n`, and words that a case's name has.
import { parseArgs } from 'node:util';
import { systemClock } from '../../src/adapters/node/clock.ts';
import type { Headers } from '../../src/common/record.ts';
import { TaskId } from '../../src/common/task-id.ts';
import { TimeWindows } from '../../src/common/time-windows.ts';
import { StreamsBuilder } from '../../src/dsl/streams-builder.ts';
import { MetricsRegistry } from '../../src/observability/metrics-registry.ts';
import { SILENT_LOGGER } from '../../src/observability/logger.ts';
import type { RecordChunk } from '../../src/runtime/record-chunk.ts';
import type { RecordSink } from '../../src/runtime/record-sink.ts';
import { StreamTask } from '../../src/runtime/stream-task.ts';
import { parseStreamsConfig } from '../../src/runtime/streams-config.ts';
import { serdes } from '../../src/serde/serdes.ts';
import { MemoryTaskStorage } from '../../src/state/memory-task-storage.ts';
import { SharedObjectBudget } from '../../src/state/shared-object-budget.ts';
import { SharedRecordCache } from '../../src/state/shared-record-cache.ts';
import type { Topology } from '../../src/topology/topology.ts';
import { CompressionCodecs } from '../../src/wire/compression.ts';
import { RecordBatchWriter } from '../../src/wire/record-batch-writer.ts';
import { RecordBatch } from '../../src/wire/record-batch.ts';
import { RecordCursor } from '../../src/wire/record-cursor.ts';
import { rate } from './rate.ts';

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    records: { type: 'string', default: '500000' },
    rounds: { type: 'string', default: '9' },
    keys: { type: 'string', default: '10000' },
  },
});
const recordCount = Number(options.records);
const rounds = Number(options.rounds);
const keyCount = Number(options.keys);
const site = { topic: 'in', partition: 0 };
const codecs = new CompressionCodecs();
const RECORDS_PER_BATCH = 2_000;
const RECORDS_PER_COMMIT = 50_000;

/** Writes batches as the producer does, without sending or checksums. */
class BatchSink implements RecordSink {
  readonly #writers = new Map<string, RecordBatchWriter>();
  appended = 0;

  partitionCount(): number {
    return 1;
  }

  prepareTopics(): Promise<void> {
    return Promise.resolve();
  }

  append(
    topic: string,
    _partition: number,
    key: Uint8Array | null,
    value: Uint8Array | null,
    timestampMs: number,
    headers: Headers,
  ): void {
    this.appended++;
    let writer = this.#writers.get(topic);
    if (writer === undefined) {
      writer = new RecordBatchWriter({ batchBytes: 256 * 1024, crc32c: () => 0 });
      this.#writers.set(topic, writer);
    }
    if (writer.append(key, value, timestampMs, headers)) return;
    writer.reset();
    writer.append(key, value, timestampMs, headers);
  }

  mark(): null {
    return null;
  }

  rollback(): void {
    throw new Error('nothing fails here');
  }

  release(): void {
    // Nothing was held back.
  }
}

/** Batches of records with keys `key-00042` and a number in 8 bytes, 1000 of them a second of event time. */
function makeBatches(): RecordBatch[] {
  const batches: RecordBatch[] = [];
  let key = 12_345;
  for (let first = 0; first < recordCount; first += RECORDS_PER_BATCH) {
    const writer = new RecordBatchWriter({ batchBytes: 1 << 20, crc32c: () => 0 });
    for (let i = first; i < first + RECORDS_PER_BATCH; i++) {
      key = (Math.imul(key, 1_103_515_245) + 12_345) & 0x7fffffff;
      const name = `key-${String(key % keyCount).padStart(5, '0')}`;
      const value = serdes.double.serialize(i, { topic: 'in', isKey: false, headers: [] });
      writer.append(Buffer.from(name), value, 1e12 + i);
    }
    const bytes = writer.finish().slice();
    batches.push(new RecordBatch(bytes, 0, bytes.length));
  }
  return batches;
}

const batches = makeBatches();
const IN = { key: serdes.string, value: serdes.double };

const chunkOf = (batch: RecordBatch, first: number): RecordChunk => ({
  ...site,
  batches: [batch],
  startOffset: 0,
  nextOffset: first + batch.recordCount,
  recordCount: batch.recordCount,
});

async function openTask(
  topology: Topology,
  sink: RecordSink,
  cacheBytes: number,
): Promise<StreamTask> {
  const [subtopology] = topology.plan().subtopologies;
  if (subtopology === undefined) throw new Error('no topology');
  const task = StreamTask.open({
    id: new TaskId(0, 0),
    subtopology,
    repartitionTopics: new Set(),
    sourcePartitions: [site],
    config: parseStreamsConfig({ applicationId: 'bench', brokers: ['none:1'] }),
    storage: new MemoryTaskStorage(),
    sink,
    recordCache: new SharedRecordCache(cacheBytes),
    objects: new SharedObjectBudget(256 << 20),
    globalStores: new Map(),
    createCursor: () => new RecordCursor({ codecs, maxDecompressedBytes: 1 << 26, site }),
    lag: () => 0,
    clock: systemClock,
    metrics: new MetricsRegistry(),
    tags: {},
    logger: SILENT_LOGGER,
  });
  await task.start([{ ...site, offset: 0, metadata: '' }]);
  return task;
}

let entries = 0;

/** One round over all batches; the storage is not written, which bench/micro/state.ts measures. */
function runTask(task: StreamTask): void {
  let sinceCommit = 0;
  for (const batch of batches) {
    task.addChunk(chunkOf(batch, 0));
    while (task.bufferedRecords('in', 0) > 0) task.process(Infinity, Infinity);
    sinceCommit += batch.recordCount;
    if (sinceCommit < RECORDS_PER_COMMIT) continue;
    sinceCommit = 0;
    task.prepareCommit();
    entries += Array.from(task.seal(new Map()).entries).length;
    task.postCommit();
  }
}

function bareLoop(): void {
  const cursor = new RecordCursor({ codecs, maxDecompressedBytes: 1 << 26, site });
  const sink = new BatchSink();
  const where = { topic: 'out', isKey: false, headers: [] };
  for (const batch of batches) {
    cursor.open(batch);
    while (cursor.next()) {
      const key = serdes.string.deserialize(
        cursor.bytes.subarray(cursor.keyStart, cursor.keyEnd),
        where,
      );
      const value = serdes.double.deserialize(
        cursor.bytes.subarray(cursor.valueStart, cursor.valueEnd),
        where,
      );
      if (value < 0) continue;
      sink.append(
        'out',
        0,
        serdes.string.serialize(key, where),
        serdes.double.serialize(value * 2 + 1, where),
        cursor.timestampMs,
        [],
      );
    }
  }
}

/** As the bare loop, with objects and a promise for each record and step, as a chain of async functions is written. */
async function asyncLoop(): Promise<void> {
  const cursor = new RecordCursor({ codecs, maxDecompressedBytes: 1 << 26, site });
  const sink = new BatchSink();
  const where = { topic: 'out', isKey: false, headers: [] };
  interface Item {
    readonly key: string;
    readonly value: number;
    readonly timestampMs: number;
  }
  const write = ({ key, value, timestampMs }: Item): Promise<void> => {
    const bytes = serdes.double.serialize(value, where);
    sink.append('out', 0, serdes.string.serialize(key, where), bytes, timestampMs, []);
    return Promise.resolve();
  };
  const mapValues = async (item: Item): Promise<void> => {
    await write({ ...item, value: item.value + 1 });
  };
  const map = async (item: Item): Promise<void> => {
    await mapValues({ ...item, value: item.value * 2 });
  };
  const filter = async (item: Item): Promise<void> => {
    if (item.value >= 0) await map(item);
  };
  for (const batch of batches) {
    cursor.open(batch);
    while (cursor.next()) {
      const { bytes, keyStart, keyEnd, valueStart, valueEnd, timestampMs } = cursor;
      const key = serdes.string.deserialize(bytes.subarray(keyStart, keyEnd), where);
      const value = serdes.double.deserialize(bytes.subarray(valueStart, valueEnd), where);
      await filter({ key, value, timestampMs });
    }
  }
}

const stateless = (): Topology => {
  const builder = new StreamsBuilder();
  builder
    .stream('in', IN)
    .filter((_, value) => value >= 0)
    .map((key, value) => [key, value * 2])
    .mapValues((value) => value + 1)
    .to('out', IN);
  return builder.build();
};

/** As above, with nothing written: the task and its operators alone. */
const statelessEnd = (): Topology => {
  const builder = new StreamsBuilder();
  builder
    .stream('in', IN)
    .filter((_, value) => value >= 0)
    .map((key, value) => [key, value * 2])
    .mapValues((value) => value + 1)
    .foreach((_, value) => {
      if (value < 0) throw new Error('no value is negative');
    });
  return builder.build();
};

const counting = (): Topology => {
  const builder = new StreamsBuilder();
  builder
    .stream('in', IN)
    .groupByKey(IN)
    .count({ store: 'counts' })
    .toStream()
    .to('out', { key: serdes.string, value: serdes.long });
  return builder.build();
};

/** A tumbling aggregate whose state is a JSON object. */
const aggregating = (): Topology => {
  const builder = new StreamsBuilder();
  builder
    .stream('in', IN)
    .groupByKey(IN)
    .windowedBy(TimeWindows.of({ size: '1m' }))
    .aggregate(
      () => ({ count: 0, total: 0 }),
      (_, value, sum) => ({ count: sum.count + 1, total: sum.total + value }),
      { store: 'totals', value: serdes.json() },
    )
    .toStream()
    .to('out', { key: serdes.timeWindowed(serdes.string, { size: '1m' }), value: serdes.json() });
  return builder.build();
};

const windowed = (): Topology => {
  const builder = new StreamsBuilder();
  builder
    .stream('in', IN)
    .groupByKey(IN)
    .windowedBy(TimeWindows.of({ size: '1m' }))
    .count({ store: 'counts' })
    .toStream()
    .to('out', { key: serdes.timeWindowed(serdes.string, { size: '1m' }), value: serdes.long });
  return builder.build();
};

/** A fresh task for each run, since event time must not go back. */
function measure(name: string, prepare: () => Promise<() => unknown>): Promise<void> {
  if (positionals.length > 0 && !positionals.some((wanted) => name.includes(wanted))) {
    return Promise.resolve();
  }
  return rate(name, { operations: recordCount, rounds, prepare });
}

const throughTask = (topology: () => Topology, cacheBytes: number) => async () => {
  const task = await openTask(topology(), new BatchSink(), cacheBytes);
  return () => {
    runTask(task);
  };
};

await measure('bare loop, filter-map-mapValues', () => Promise.resolve(bareLoop));
await measure('the same, a promise for each step', () => Promise.resolve(asyncLoop));
await measure('filter-map-mapValues to a topic', throughTask(stateless, 0));
await measure('filter-map-mapValues, nothing written', throughTask(statelessEnd, 0));
await measure(`count of ${keyCount} keys, cache 0`, throughTask(counting, 0));
await measure(`count of ${keyCount} keys, cache 10 MB`, throughTask(counting, 10 << 20));
await measure(`windowed count of ${keyCount} keys, cache 0`, throughTask(windowed, 0));
await measure(`windowed count of ${keyCount} keys, cache 10 MB`, throughTask(windowed, 10 << 20));
await measure(`windowed JSON aggregate of ${keyCount} keys, cache 0`, throughTask(aggregating, 0));
await measure(
  `windowed JSON aggregate of ${keyCount} keys, cache 10 MB`,
  throughTask(aggregating, 10 << 20),
);
if (entries > 0) console.log(`${entries} entries were sealed for the storage`);
