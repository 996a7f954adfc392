import { systemTimers } from '../../../src/adapters/node/clock.ts';
import { NO_HEADERS, StreamRecord, type Headers } from '../../../src/common/record.ts';
import type { Processor } from '../../../src/processor/processor.ts';
import type { ProcessorContext } from '../../../src/processor/processor-context.ts';
import { encodeOffsetMetadata } from '../../../src/runtime/offset-metadata.ts';
import { serdes } from '../../../src/serde/serdes.ts';
import type { StoreBuilder } from '../../../src/state/store-builder.ts';
import { Stores, tableStoreBuilder } from '../../../src/state/stores.ts';
import type { ChangelogPosition } from '../../../src/state/task-storage.ts';
import { memoryChunk } from '../../../src/testing/memory-records.ts';
import { Topology } from '../../../src/topology/topology.ts';
import { aggregating, newValues } from '../../support/aggregating.ts';
import { errorOf } from '../../support/error-of.ts';
import type { MemorySink } from '../../support/memory-sink.ts';
import { bytesOf, TaskHarness } from '../../support/task-harness.ts';

type Context = ProcessorContext<string, string>;
type Create = (context: Context) => Processor<string, string>;

/** A processor from what it does with a record. */
const does =
  (process: (record: StreamRecord<string, string>, context: Context) => void): Create =>
  (context) => ({
    process: (record) => {
      process(record, context);
    },
  });

/** in → `name` → out, for one processor. */
function around(name: string, create: Create, stores: StoreBuilder[] = []): Topology {
  return new Topology()
    .addSource('source', 'in')
    .addProcessor(name, { create, stores }, 'source')
    .addSink('sink', 'out', name);
}

const COUNTS = Stores.keyValue({ name: 'counts', key: serdes.string, value: serdes.string });

/** Counts records by key as text, forwarding each count. */
const counting: Create = (context) => {
  const counts = context.keyValueStore<string, string>('counts');
  return {
    process: (record) => {
      const count = String(Number(counts.get(record.key) ?? 0) + 1);
      counts.put(record.key, count);
      context.forward(record.withValue(count));
    },
  };
};

const metadata = (partitionTimeMs: number): string =>
  encodeOffsetMetadata({ partitionTimeMs, processorTimesMs: new Map() });

describe('forward', () => {
  test('goes depth first, to the children in the order they were added', async () => {
    const pass = (suffix: string): Create =>
      does((record, context) => {
        context.forward(record.withValue(record.value + suffix));
      });
    const tree = new Topology()
      .addSource('source', 'in')
      .addProcessor('root', { create: pass('/') }, 'source')
      .addProcessor('b', { create: pass('b') }, 'root')
      .addProcessor('a', { create: pass('a') }, 'root')
      .addSink('b-out', 'out', 'b')
      .addSink('root-out', 'out', 'root')
      .addSink('a-out', 'out', 'a');
    const { sink } = await piped(tree, 'k=1@0');
    expect(sink.lines).toEqual(['out:k=1/b', 'out:k=1/a', 'out:k=1/']);
  });

  test('to a child by name reaches that child alone', async () => {
    const topology = new Topology()
      .addSource('source', 'in')
      .addProcessor(
        'route',
        {
          create: does((record, context) => {
            context.forward(record, record.value);
          }),
        },
        'source',
      )
      .addSink('left', 'left', 'route')
      .addSink('right', 'right', 'route');
    const { sink } = await piped(topology, 'k=right@0');
    expect(sink.lines).toEqual(['right:k=right']);
  });

  test('to a name that is no child is an error that lists the children', async () => {
    const create = does((record, context) => {
      context.forward(record, 'nobody');
    });
    await expect(piped(around('route', create), 'k=v@0')).rejects.toMatchObject({
      code: 'STREAMS_TOPOLOGY',
      message: expect.stringContaining('children are: sink') as string,
    });
  });

  test('outside of processing is an error', async () => {
    let kept: Context | null = null;
    const harness = await TaskHarness.start(
      around('keeper', (context) => {
        kept = context;
        return { process: () => undefined };
      }),
    );
    await harness.pipe('in', 'k=v@0');
    const forward = (): void => kept?.forward(new StreamRecord('k', 'v', 0));
    expect(errorOf(forward)).toMatchObject({ code: 'STREAMS_PROCESSING' });
    expect(harness.sink.lines).toEqual([]);
  });

  test('hands one and the same record to every child', async () => {
    const seen: unknown[] = [];
    const look: Create = does((record) => void seen.push(record));
    const topology = new Topology()
      .addSource('source', 'in')
      .addProcessor('one', { create: look }, 'source')
      .addProcessor('two', { create: look }, 'source');
    await piped(topology, 'k=v@0');
    expect(seen[0]).toBe(seen[1]);
  });
});

describe('the record context', () => {
  test('is that of the forwarded record while it is forwarded, and the former one after it', async () => {
    const seen: string[] = [];
    const note = (where: string, { headers, recordMetadata }: Context): void => {
      seen.push(`${where} ${headers.map(([name]) => name).join()} @${recordMetadata?.offset}`);
    };
    const headers: Headers = [['deep', null]];
    const topology = new Topology()
      .addSource('source', 'in')
      .addProcessor(
        'parent',
        {
          create: does((record, context) => {
            note('before', context);
            context.forward(record.withHeaders(headers));
            note('after', context);
            try {
              context.forward(record.withValue('throw').withHeaders(headers));
            } catch {
              note('caught', context);
            }
          }),
        },
        'source',
      )
      .addProcessor(
        'child',
        {
          create: does((record, context) => {
            note('child', context);
            if (record.value === 'throw') throw new Error('child');
          }),
        },
        'parent',
      );
    const harness = await TaskHarness.start(topology);
    harness.add('in', ['k=v@0'], [['top', null]]);
    await harness.run();
    expect(seen).toEqual([
      'before top @0',
      'child deep @0',
      'after top @0',
      'child deep @0',
      'caught top @0',
    ]);
  });

  test('dates what is written into a store without a time of its own', async () => {
    const topology = around('count', counting, [COUNTS]);
    const { sink } = await piped(topology, 'k=v@77');
    const [changelog] = sink.appended.filter(({ topic }) => topic === 'app-counts-changelog');
    expect(changelog).toMatchObject({ key: 'k', value: '1', timestampMs: 77, headers: [] });
  });
});

describe('an error', () => {
  test('of a processor is wrapped once, by the node it came from, with its place and cause', async () => {
    const cause = new RangeError('bad luck');
    const topology = new Topology()
      .addSource('source', 'in')
      .addProcessor(
        'outer',
        {
          create: does((record, context) => {
            context.forward(record);
          }),
        },
        'source',
      )
      .addProcessor(
        'inner',
        {
          create: does(() => {
            throw cause;
          }),
        },
        'outer',
      );
    const harness = await TaskHarness.start(topology);
    await expect(harness.pipe('in', 'k=v@0')).rejects.toMatchObject({
      code: 'STREAMS_PROCESSING',
      site: { taskId: '0_0', node: 'inner', topic: 'in', partition: 0, offset: 0 },
      cause,
    });
  });

  test('stops the task: nothing more is processed or committed', async () => {
    const create = does((record) => {
      if (record.value === 'bad') throw new Error('bad');
    });
    const harness = await TaskHarness.start(around('check', create));
    await expect(harness.pipe('in', 'k=bad@0', 'k=good@1')).rejects.toThrow('bad');
    const failed = { code: 'STREAMS_PROCESSING' };
    expect(errorOf(() => harness.task.process(1, Infinity))).toMatchObject(failed);
    expect(
      errorOf(() => {
        harness.task.prepareCommit();
      }),
    ).toMatchObject(failed);
  });

  test('of a processor that is being made names its node', async () => {
    const create: Create = () => {
      throw new Error('no database');
    };
    await expect(TaskHarness.start(around('opener', create))).rejects.toMatchObject({
      site: { node: 'opener' },
    });
  });

  test.each([
    ['keyValueStore', 'unknown', /'unknown' is not connected to 'p', whose stores are: counts/],
    ['windowStore', 'counts', /window store was asked for/],
  ] as const)('of %s(%j) says what the node has', async (method, name, message) => {
    const topology = around('p', (context) => {
      context[method](name);
      return { process: () => undefined };
    }).addStateStore(COUNTS, 'p');
    await expect(TaskHarness.start(topology)).rejects.toThrow(message);
  });
});

describe('processing', () => {
  test('stops at the number of records it is given', async () => {
    const harness = await TaskHarness.start(
      around(
        'pass',
        does(() => undefined),
      ),
    );
    harness.add('in', ['a=1@0', 'a=2@0', 'a=3@0']);
    expect(harness.task.process(2, Infinity)).toBe(2);
    expect(harness.task.bufferedRecords('in', 0)).toBe(1);
  });

  test('stops soon after its deadline', async () => {
    const harness: TaskHarness = await TaskHarness.start(
      around(
        'slow',
        does(() => {
          harness.clock.advance(1);
        }),
      ),
    );
    harness.add(
      'in',
      Array.from({ length: 1_000 }, (_, i) => `k=${i}@0`),
    );
    const processed = harness.task.process(Infinity, 20);
    expect(processed).toBeGreaterThanOrEqual(20);
    expect(processed).toBeLessThan(40);
  });

  test('waits for a partition that has records on the broker', async () => {
    const topology = new Topology()
      .addSource('source', ['left', 'right'])
      .addSink('sink', 'out', 'source');
    const harness = await TaskHarness.start(topology, { lag: 1 });
    await harness.pipe('left', 'k=later@5');
    expect(harness.sink.lines).toEqual([]);
    await harness.pipe('right', 'k=earlier@1');
    expect(harness.sink.lines).toEqual(['out:k=earlier']);
    harness.lag = 0;
    await harness.run();
    expect(harness.sink.lines).toEqual(['out:k=earlier', 'out:k=later']);
  });

  test('a repartition topic takes the timestamp in the record, whatever the default extractor', async () => {
    const config = { defaultTimestampExtractor: (): number => 5 };
    const topology = new Topology()
      .addSource('source', 'x-repartition')
      .addSink('sink', 'out', 'source');
    const plain = await TaskHarness.start(topology, { config });
    await plain.pipe('x-repartition', 'k=v@1');
    expect(plain.task.streamTimeMs).toBe(5);

    const repartitionTopics = [{ name: 'x-repartition', partitions: null }];
    const plan = { ...topology.plan(), repartitionTopics };
    const harness = await TaskHarness.start({ plan: () => plan }, { config });
    await harness.pipe('app-x-repartition', 'k=v@1');
    expect(harness.task.streamTimeMs).toBe(1);
  });
});

describe('a commit', () => {
  test('names the first record that is not processed, and the highest time that was', async () => {
    const harness = await TaskHarness.start(
      around(
        'pass',
        does(() => undefined),
      ),
    );
    harness.add('in', ['a=1@30', 'a=2@20', 'a=3@40']);
    harness.task.process(2, Infinity);
    const expected = { topic: 'in', partition: 0, offset: 2, metadata: metadata(30) };
    expect(harness.task.committableOffsets()).toEqual([expected]);
  });

  test('is not needed before anything was done, nor after it', async () => {
    const harness = await TaskHarness.start(
      around(
        'pass',
        does(() => undefined),
      ),
    );
    expect(harness.task.commitNeeded).toBe(false);
    await harness.pipe('in', 'a=1@0');
    expect(harness.task.commitNeeded).toBe(true);
    await harness.commit();
    expect(harness.task.commitNeeded).toBe(false);
    expect(harness.task.committableOffsets()).toEqual([]);
  });

  test('moves past records of which none could be read', async () => {
    const serde = {
      ...serdes.string,
      deserialize: () => 1 as never,
      deserializeAt: (): string => {
        throw new Error('unreadable');
      },
    };
    const topology = new Topology()
      .addSource('source', 'in', { value: serde })
      .addSink('sink', 'out', 'source');
    const harness = await TaskHarness.start(topology, {
      config: { deserializationExceptionHandler: () => 'continue' },
    });
    await harness.pipe('in', 'a=1@0', 'a=2@0');
    expect(await harness.commit()).toEqual(['in@2']);
  });

  test('moves past markers, though they bring nothing to process', async () => {
    const harness = await TaskHarness.start(
      around(
        'pass',
        does(() => undefined),
      ),
    );
    harness.task.addChunk(memoryChunk('in', 0, [], { startOffset: 0, nextOffset: 3 }));
    expect(harness.task.commitNeeded).toBe(true);
    expect(await harness.commit()).toEqual(['in@3']);
  });

  test('has an offset though only a punctuator did something', async () => {
    const topology = around('tick', (context) => {
      context.schedule(10, 'wall-clock', () => undefined);
      return { process: () => undefined };
    });
    const harness = await TaskHarness.start(topology);
    harness.clock.advance(10);
    expect(harness.task.punctuate(harness.clock.nowMs())).toBe(true);
    expect(await harness.commit()).toEqual(['in@0']);
  });

  test('names only the partitions that have moved', async () => {
    const topology = new Topology()
      .addSource('source', ['a', 'b'])
      .addSink('sink', 'out', 'source');
    const harness = await TaskHarness.start(topology);
    await harness.pipe('a', 'k=1@0');
    expect(await harness.commit()).toEqual(['a@1']);
    await harness.pipe('b', 'k=1@0');
    expect(await harness.commit()).toEqual(['b@1']);
  });

  test('is asked for by a processor, and has then been asked for no more', async () => {
    const create = does((_, context) => {
      context.commit();
    });
    const harness = await TaskHarness.start(around('eager', create));
    expect(harness.task.commitRequested).toBe(false);
    await harness.pipe('in', 'k=v@0');
    expect(harness.task.commitRequested).toBe(true);
    await harness.commit();
    expect(harness.task.commitRequested).toBe(false);
  });

  test('brings what the stores hold to the storage, with the positions, and nothing before', async () => {
    const topology = around('count', counting, [COUNTS]);
    const harness = await TaskHarness.start(topology);
    await harness.pipe('in', 'k=v@0');
    expect(harness.task.uncommittedBytes).toBeGreaterThan(0);
    const position = { topicId: 'id', offset: 9, wallTimeMs: 1 };
    expect(harness.storage.position('app-counts-changelog')).toBeUndefined();
    harness.task.prepareCommit();
    await harness.storage.write(harness.task.seal(new Map([['app-counts-changelog', position]])));
    harness.task.postCommit();
    expect(harness.storage.position('app-counts-changelog')).toEqual(position);
    expect(harness.task.uncommittedBytes).toBe(0);
  });
});

describe('an invariant trips', () => {
  test('where a commit would go back behind what is committed (I15)', async () => {
    const harness = new TaskHarness(around('counting', counting, [COUNTS]));
    await harness.task.start(harness.positions(5));
    harness.task.addChunk(
      memoryChunk('in', 0, [{ ...bytesOf('k=a@1'), offset: 2, headers: NO_HEADERS }]),
    );
    await harness.run();
    expect(() => harness.task.committableOffsets()).toThrow('would go back from 5 to 3');
  });

  test('where a position would go back below the rows beside it (I1)', async () => {
    const harness = await TaskHarness.start(around('counting', counting, [COUNTS]));
    const at = (offset: number): ReadonlyMap<string, ChangelogPosition> =>
      new Map([['app-counts-changelog', { topicId: 'aa', offset, wallTimeMs: 0 }]]);
    await harness.storage.write({ entries: [], positions: at(7) });
    expect(() => harness.task.seal(at(6))).toThrow('would go back to 6');
    expect(() => harness.task.seal(at(7))).not.toThrow();
  });

  test('where something uncommitted has outlived an abort (I9)', async () => {
    const harness = await TaskHarness.start(around('counting', counting, [COUNTS]));
    await harness.pipe('in', 'k=a@1');
    await expect(harness.task.start(harness.positions())).rejects.toMatchObject({
      code: 'STREAMS_INVARIANT',
    });
  });
});

describe('a start', () => {
  test('takes up stream time and partition times from the committed metadata', async () => {
    const topology = new Topology()
      .addSource('source', ['a', 'b'])
      .addSink('sink', 'out', 'source');
    const harness = await TaskHarness.start(topology, {
      positions: [
        { topic: 'a', partition: 0, offset: 0, metadata: metadata(50) },
        { topic: 'b', partition: 0, offset: 0, metadata: metadata(70) },
      ],
    });
    expect(harness.task.streamTimeMs).toBe(70);
    harness.add('a', ['k=v@10']);
    await harness.run();
    expect(harness.task.streamTimeMs).toBe(70);
    const [moved] = harness.task.committableOffsets();
    expect(moved?.metadata).toBe(metadata(50));
  });

  test('keeps the times of operators that were committed, and the later one of each', async () => {
    const topology = new Topology()
      .addSource('source', ['a', 'b'])
      .addSink('sink', 'out', 'source');
    const committed = (entries: [string, number][]): string =>
      encodeOffsetMetadata({ partitionTimeMs: 1, processorTimesMs: new Map(entries) });
    const harness = await TaskHarness.start(topology, {
      positions: [
        {
          topic: 'a',
          partition: 0,
          offset: 0,
          metadata: committed([
            ['x', 5],
            ['y', 1],
          ]),
        },
        { topic: 'b', partition: 0, offset: 0, metadata: committed([['x', 3]]) },
      ],
    });
    await harness.pipe('a', 'k=v@1');
    expect(harness.task.committableOffsets()[0]?.metadata).toBe(
      committed([
        ['x', 5],
        ['y', 1],
      ]),
    );
  });

  test('sees what was restored from the changelog', async () => {
    const topology = around('count', counting, [COUNTS]);
    const harness = new TaskHarness(topology);
    const [changelog] = harness.task.changelogs;
    expect(changelog).toMatchObject({ topic: 'app-counts-changelog', partition: 0 });
    const record = { key: Buffer.from('k'), value: Buffer.from('41'), timestampMs: 0 };
    const position = { topicId: 'id', offset: 1, wallTimeMs: 0 };
    await harness.task.restore('app-counts-changelog', [record], position);
    expect(harness.task.changelogPosition('app-counts-changelog')).toEqual(position);
    await harness.task.start(harness.positions());
    await harness.pipe('in', 'k=v@0');
    expect(harness.sink.lines).toEqual(['out:k=42']);
  });
});

describe('a discarded task', () => {
  test('has forgotten everything since the commit, fields of processors included, and starts again', async () => {
    const topology = around(
      'count',
      (context) => {
        const counter = counting(context);
        let since = 0;
        return {
          process: (record) => {
            since += 1;
            return counter.process(record.withValue(`${since}`));
          },
        };
      },
      [COUNTS],
    );
    const harness = await TaskHarness.start(topology);
    await harness.pipe('in', 'k=a@10');
    await harness.commit();
    harness.add('in', ['k=b@20', 'k=c@30']);
    harness.task.process(1, Infinity);

    harness.task.discard();
    expect(harness.task.bufferedRecords('in', 0)).toBe(0);
    expect(harness.task.uncommittedBytes).toBe(0);
    await harness.task.start([{ topic: 'in', partition: 0, offset: 1, metadata: metadata(10) }]);
    expect(harness.task.streamTimeMs).toBe(10);
    await harness.pipe('in', 'k=b@20');
    expect(harness.sink.lines).toEqual(['out:k=1', 'out:k=2', 'out:k=2']);
  });

  test('closes its processors, those of before as well', async () => {
    let open = 0;
    const topology = around('resource', () => {
      open += 1;
      return {
        process: () => undefined,
        close: async () => {
          await Promise.resolve();
          open -= 1;
        },
      };
    });
    const harness = await TaskHarness.start(topology);
    harness.task.discard();
    await harness.task.start(harness.positions());
    expect(open).toBe(1);
    harness.task.discard();
    await harness.task.close();
    expect(open).toBe(0);
  });
});

test('closing closes every processor, though one of them fails to', async () => {
  const closed: string[] = [];
  const closes =
    (name: string): Create =>
    () => ({
      process: () => undefined,
      close: () => {
        closed.push(name);
        if (name === 'one') throw new Error('stuck');
      },
    });
  const topology = new Topology()
    .addSource('source', 'in')
    .addProcessor('one', { create: closes('one') }, 'source')
    .addProcessor('two', { create: closes('two') }, 'source');
  const harness = await TaskHarness.start(topology);
  await expect(harness.task.close()).rejects.toThrow('stuck');
  expect(closed).toEqual(['one', 'two']);
  expect(harness.metrics.snapshot().filter(({ tags }) => tags['task-id'] === '0_0')).toEqual([]);
});

test('a processor whose close never settles is given up after processorCloseTimeoutMs', async () => {
  const closed: string[] = [];
  const topology = new Topology()
    .addSource('source', 'in')
    .addProcessor(
      'stuck',
      {
        create: () => ({
          process: () => undefined,
          close: () => new Promise<void>(() => undefined),
        }),
      },
      'source',
    )
    .addProcessor(
      'other',
      { create: () => ({ process: () => undefined, close: () => void closed.push('other') }) },
      'source',
    );
  const harness = await TaskHarness.start(topology, {
    config: { processorCloseTimeoutMs: 20 },
    timers: systemTimers,
  });
  await expect(harness.task.close()).rejects.toMatchObject({
    code: 'STREAMS_PROCESSING',
    site: { taskId: '0_0', node: 'stuck' },
  });
  expect(closed).toEqual(['other']);
});

describe('punctuation', () => {
  /** Fires as `type` each 10 ms; what it was given, where. */
  async function scheduled(
    type: 'stream-time' | 'wall-clock',
  ): Promise<{ harness: TaskHarness; fired: string[] }> {
    const fired: string[] = [];
    const topology = around('tick', (context) => {
      context.schedule('10ms', type, (timestampMs) => {
        const { recordMetadata, headers, currentStreamTimeMs } = context;
        fired.push(
          `${timestampMs}/${currentStreamTimeMs} ${recordMetadata === null} ${headers.length}`,
        );
        context.forward(new StreamRecord('tick', `${timestampMs}`, timestampMs));
      });
      return { process: () => undefined };
    });
    return { harness: await TaskHarness.start(topology), fired };
  }

  test('by stream time: once it is known, then at multiples of the interval, with the stream time', async () => {
    const { harness, fired } = await scheduled('stream-time');
    expect(harness.task.punctuate(1_000)).toBe(false);
    for (const timestamp of [3, 9, 12, 57, 58, 60]) {
      await harness.pipe('in', `k=v@${timestamp}`);
      harness.task.punctuate(0);
    }
    expect(fired).toEqual(['3/3 true 0', '12/12 true 0', '57/57 true 0', '60/60 true 0']);
    expect(harness.sink.appended.map(({ timestampMs }) => timestampMs)).toEqual([3, 12, 57, 60]);
  });

  test('by wall clock: an interval from now, missed ones as one', async () => {
    const { harness, fired } = await scheduled('wall-clock');
    expect(harness.task.nextPunctuationMs).toBe(10);
    for (const nowMs of [9, 10, 19, 45, 49, 50]) harness.task.punctuate(nowMs);
    expect(fired.map((line) => line.split('/')[0])).toEqual(['10', '45', '50']);
  });

  /** When a schedule of 10 ms fires that is anchored at `startTimeMs` and made at `atMs`; the clock is asked at `nowMs`. */
  async function anchored(
    type: 'stream-time' | 'wall-clock',
    { startTimeMs, atMs }: { readonly startTimeMs: number; readonly atMs: number },
    ...nowMs: number[]
  ): Promise<number[]> {
    const fired: number[] = [];
    const topology = around('tick', (context) => ({
      process: () => {
        const punctuator = (timestampMs: number): void => void fired.push(timestampMs);
        if (fired.length === 0) context.schedule(10, type, punctuator, { startTimeMs });
        fired.push(-1);
      },
    }));
    const harness = await TaskHarness.start(topology);
    harness.clock.advance(atMs);
    await harness.pipe('in', `k=v@${atMs}`);
    for (const ms of nowMs) {
      if (type === 'stream-time') await harness.pipe('in', `k=v@${ms}`);
      harness.task.punctuate(ms);
    }
    return fired.filter((ms) => ms !== -1);
  }

  test.each(['stream-time', 'wall-clock'] as const)(
    'anchored by %s, it fires from its start on, at multiples of the interval behind it',
    async (type) => {
      const ahead = { startTimeMs: 25, atMs: 3 };
      expect(await anchored(type, ahead, 3, 24, 25, 34, 35, 61, 65)).toEqual([25, 35, 61, 65]);
      expect(await anchored(type, { startTimeMs: 3, atMs: 3 }, 3, 4, 13)).toEqual([3, 13]);
    },
  );

  test.each(['stream-time', 'wall-clock'] as const)(
    'anchored by %s in the past, it fires at the first multiple that is still to come',
    async (type) => {
      expect(await anchored(type, { startTimeMs: 4, atMs: 27 }, 27, 33, 34)).toEqual([34]);
      expect(await anchored(type, { startTimeMs: 4, atMs: 24 }, 24, 33, 34)).toEqual([34]);
    },
  );

  test.each([-1, 0.5, Number.NaN])('an anchor at %d is refused', async (startTimeMs) => {
    const topology = around('never', (context) => {
      context.schedule(10, 'wall-clock', () => undefined, { startTimeMs });
      return { process: () => undefined };
    });
    await expect(TaskHarness.start(topology)).rejects.toMatchObject({
      code: 'STREAMS_CONFIG',
      site: { option: 'startTimeMs', node: 'never' },
    });
  });

  test('cancelled by itself, it fires no more', async () => {
    let fired = 0;
    const topology = around('once', (context) => {
      const schedule = context.schedule(1, 'wall-clock', () => {
        fired += 1;
        schedule.cancel();
      });
      return { process: () => undefined };
    });
    const harness = await TaskHarness.start(topology);
    for (const nowMs of [1, 2, 3]) harness.task.punctuate(nowMs);
    expect(fired).toBe(1);
  });

  test('an interval below 1 ms is refused', async () => {
    const topology = around('never', (context) => {
      context.schedule(0, 'wall-clock', () => undefined);
      return { process: () => undefined };
    });
    await expect(TaskHarness.start(topology)).rejects.toMatchObject({ code: 'STREAMS_CONFIG' });
  });

  test('that throws is an error of its node, without a record', async () => {
    const topology = around('tick', (context) => {
      context.schedule(1, 'wall-clock', () => {
        throw new Error('tock');
      });
      return { process: () => undefined };
    });
    const harness = await TaskHarness.start(topology);
    const site = { taskId: '0_0', node: 'tick' };
    expect(errorOf(() => harness.task.punctuate(1))).toMatchObject({ site });
  });
});

test('a commit forwards and logs what caches held back, whatever the order of the stores', async () => {
  const cached = (name: string): StoreBuilder =>
    tableStoreBuilder({ name, key: serdes.string, value: serdes.string, caching: true });
  const last = (value: string): string => value;
  const topology = new Topology()
    .addSource('source', 'in')
    .addStateStore(cached('second'))
    .addStateStore(cached('first'))
    .addProcessor(
      'first',
      { create: aggregating('first', () => '', last), stores: ['first'] },
      'source',
    )
    .addProcessor('values', { create: newValues }, 'first')
    .addProcessor(
      'second',
      { create: aggregating('second', () => '', last), stores: ['second'] },
      'values',
    )
    .addProcessor('new', { create: newValues }, 'second')
    .addSink('sink', 'out', 'new');
  const harness = await TaskHarness.start(topology);
  await harness.pipe('in', 'k=a@1', 'k=b@2');
  expect(harness.sink.appended).toEqual([]);
  await harness.commit();
  expect(harness.sink.lines).toEqual(['out:k=b']);
  const changelogs = harness.sink.appended.filter(({ topic }) => topic.endsWith('-changelog'));
  expect(changelogs.map(({ topic, value }) => `${topic}=${value ?? ''}`).sort()).toEqual([
    'app-first-changelog=b',
    'app-second-changelog=b',
  ]);
});

async function piped(topology: Topology, ...lines: string[]): Promise<{ sink: MemorySink }> {
  const harness = await TaskHarness.start(topology);
  await harness.pipe('in', ...lines);
  return harness;
}
