import { StreamsError } from '../../../src/common/errors.ts';
import { StreamRecord } from '../../../src/common/record.ts';
import type { Processor } from '../../../src/processor/processor.ts';
import type { ProcessorContext } from '../../../src/processor/processor-context.ts';
import { serdes } from '../../../src/serde/serdes.ts';
import { Stores, tableStoreBuilder } from '../../../src/state/stores.ts';
import { Topology } from '../../../src/topology/topology.ts';
import { aggregating, newValues } from '../../support/aggregating.ts';
import { errorOf } from '../../support/error-of.ts';
import { MemorySink } from '../../support/memory-sink.ts';
import { TaskHarness } from '../../support/task-harness.ts';

type Context = ProcessorContext<string, string>;
type Create = (context: Context) => Processor<string, string>;

/** Promises that a test settles, by name, in the order that it likes. */
class Gates {
  readonly #open = new Map<string, () => void>();
  readonly #fail = new Map<string, (error: Error) => void>();

  wait(name: string): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#open.set(name, resolve);
      this.#fail.set(name, reject);
    });
  }

  /** Lets the one who waits go on, and everything that follows from that happen. */
  async open(name: string): Promise<void> {
    this.#open.get(name)?.();
    await settled();
  }

  async fail(name: string): Promise<void> {
    this.#fail.get(name)?.(new Error(name));
    await settled();
  }

  get waiting(): string[] {
    return [...this.#open.keys()];
  }
}

async function settled(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await Promise.resolve();
}

/** Waits at the gate of a record's value, then forwards the record. */
const waits =
  (gates: Gates): Create =>
  (context) => ({
    process: async (record) => {
      await gates.wait(record.value);
      context.forward(record);
    },
  });

const split: Create = (context) => ({
  process: (record) => {
    for (const value of record.value.split(',')) context.forward(record.withValue(value));
  },
});

/** in → split at commas → `create` → out. */
function splitInto(create: Create): Topology {
  return new Topology()
    .addSource('source', 'in')
    .addProcessor('split', { create: split }, 'source')
    .addProcessor('async', { create }, 'split')
    .addSink('sink', 'out', 'async');
}

describe('an async processor', () => {
  test('holds the task: no next record and no commit before it has settled', async () => {
    const gates = new Gates();
    const harness = await TaskHarness.start(splitInto(waits(gates)));
    harness.add('in', ['k=a@0', 'k=b@1']);
    expect(harness.task.process(Infinity, Infinity)).toBe(1);
    const { pending } = harness.task;
    expect(pending).not.toBeNull();
    expect(harness.task.isReady(0)).toBe(false);
    expect(errorOf(() => harness.task.process(1, Infinity))).toMatchObject({
      code: 'STREAMS_INVARIANT',
    });

    await gates.open('a');
    await pending;
    expect(harness.task.pending).toBeNull();
    expect(harness.sink.lines).toEqual(['out:k=a']);
    expect(harness.task.process(Infinity, Infinity)).toBe(1);
  });

  test('gets the records that reach it meanwhile one at a time and in their order', async () => {
    const gates = new Gates();
    const harness = await TaskHarness.start(splitInto(waits(gates)));
    harness.add('in', ['k=a,b,c@0']);
    harness.task.process(1, Infinity);
    expect(gates.waiting).toEqual(['a']);
    await gates.open('a');
    expect(gates.waiting).toEqual(['a', 'b']);
    await gates.open('b');
    await gates.open('c');
    await harness.task.pending;
    expect(harness.sink.lines).toEqual(['out:k=a', 'out:k=b', 'out:k=c']);
  });

  test('may answer some records at once: these do not overtake one that waits', async () => {
    const gates = new Gates();
    const harness = await TaskHarness.start(
      splitInto((context) => ({
        process: (record) => {
          if (record.value !== 'slow') {
            context.forward(record);
            return;
          }
          return gates.wait('slow').then(() => {
            context.forward(record);
          });
        },
      })),
    );
    harness.add('in', ['k=1,slow,2,3@0']);
    harness.task.process(1, Infinity);
    expect(harness.sink.lines).toEqual(['out:k=1']);
    await gates.open('slow');
    await harness.task.pending;
    expect(harness.sink.lines).toEqual(['out:k=1', 'out:k=slow', 'out:k=2', 'out:k=3']);
  });

  test('sees its own record context after waiting, and so do its stores', async () => {
    const gates = new Gates();
    const seen: string[] = [];
    const create: Create = (context) => {
      const store = context.keyValueStore<string, string>('seen');
      return {
        process: async (record) => {
          await gates.wait(record.value);
          const { headers, recordMetadata } = context;
          seen.push(
            `${record.value} ${headers.map(([name]) => name).join()} @${recordMetadata?.offset}`,
          );
          store.put(record.key, record.value);
        },
      };
    };
    const store = Stores.keyValue({ name: 'seen', key: serdes.string, value: serdes.string });
    const stamp: Create = (context) => ({
      process: (record) => {
        context.forward(record.withHeaders([['first', null]]));
        const later = new StreamRecord(record.key, 'later', record.timestampMs + 1, [
          ['second', null],
        ]);
        context.forward(later);
      },
    });
    const topology = new Topology()
      .addSource('source', 'in')
      .addProcessor('stamp', { create: stamp }, 'source')
      .addProcessor('async', { create, stores: [store] }, 'stamp');
    const harness = await TaskHarness.start(topology);
    harness.add('in', ['k=now@5']);
    harness.task.process(1, Infinity);
    await gates.open('now');
    await gates.open('later');
    await harness.task.pending;
    expect(seen).toEqual(['now first @0', 'later second @0']);
    const times = harness.sink.appended.map(({ timestampMs }) => timestampMs);
    expect(times).toEqual([5, 6]);
  });

  test('that rejects stops the task with its place, and what still waited is given up', async () => {
    const gates = new Gates();
    const harness = await TaskHarness.start(splitInto(waits(gates)));
    harness.add('in', ['k=a,b,c@0']);
    harness.task.process(1, Infinity);
    const { pending } = harness.task;
    await gates.open('a');
    await gates.fail('b');
    await expect(pending).rejects.toMatchObject({
      code: 'STREAMS_PROCESSING',
      site: { node: 'async', topic: 'in', offset: 0 },
      message: expect.stringContaining('b') as string,
    });
    expect(gates.waiting).toEqual(['a', 'b']);
    expect(errorOf(() => harness.task.process(1, Infinity))).toMatchObject({
      code: 'STREAMS_PROCESSING',
    });
  });

  test('with a handler: the record is taken back once every other call has settled', async () => {
    const gates = new Gates();
    const topology = new Topology()
      .addSource('source', 'in')
      .addProcessor('fails', { create: waits(gates) }, 'source')
      .addProcessor(
        'works',
        {
          create: (context: Context) => ({
            process: async (record: StreamRecord<string, string>) => {
              await gates.wait(`other ${record.value}`);
              context.forward(record);
            },
          }),
        },
        'source',
      )
      .addSink('sink', 'out', 'works');
    const config = { processingExceptionHandler: () => 'continue' as const };
    const harness = await TaskHarness.start(topology, { config });
    harness.add('in', ['k=a@0']);
    harness.task.process(1, Infinity);
    await gates.fail('a');
    expect(harness.task.pending).not.toBeNull();
    await gates.open('other a');
    await harness.task.pending;
    expect(harness.sink.lines).toEqual([]);
    expect(harness.dropped()).toEqual({ processing: 1 });
    expect(await harness.commit()).toEqual(['in@1']);
  });

  test('refuses more waiting records than the task allows', async () => {
    const gates = new Gates();
    const harness = await TaskHarness.start(splitInto(waits(gates)), {
      config: { maxAsyncRecordsPerTask: 2 },
    });
    harness.add('in', ['k=a,b,c@0']);
    harness.task.process(1, Infinity);
    for (const name of ['a', 'b', 'c']) await gates.open(name);
    expect(harness.sink.lines).toHaveLength(3);

    harness.add('in', ['k=a,b,c,d@0']);
    harness.task.process(1, Infinity);
    const { pending } = harness.task;
    await gates.open('a');
    await expect(pending).rejects.toThrow(/more than 2 records wait/);
  });

  test('that still runs when the task is discarded reaches neither topics nor changelogs any more', async () => {
    const gates = new Gates();
    const store = Stores.keyValue({ name: 'seen', key: serdes.string, value: serdes.string });
    const create: Create = (context) => {
      const seen = context.keyValueStore<string, string>('seen');
      return {
        process: async (record) => {
          await gates.wait(record.value);
          try {
            seen.put(record.key, record.value);
          } finally {
            context.forward(record);
          }
        },
      };
    };
    const topology = new Topology()
      .addSource('source', 'in')
      .addStateStore(store)
      .addProcessor('split', { create: split }, 'source')
      .addProcessor('async', { create, stores: ['seen'] }, 'split')
      .addSink('sink', 'out', 'async');
    const harness = await TaskHarness.start(topology);
    harness.add('in', ['k=a,b@0']);
    harness.task.process(1, Infinity);
    harness.task.discard();
    await gates.open('a');
    await harness.task.start(harness.positions());
    expect(harness.sink.appended).toEqual([]);
    expect(gates.waiting).toEqual(['a']);
  });

  test('that still runs when the task is discarded is not told of the record that the task is on by then', async () => {
    const gates = new Gates();
    const places: unknown[] = [];
    const create: Create = (context) => ({
      process: async ({ value }) => {
        await gates.wait(value);
        places.push(context.recordMetadata);
      },
    });
    const harness = await TaskHarness.start(splitInto(create));
    harness.add('in', ['k=a@0']);
    harness.task.process(1, Infinity);
    harness.task.discard();
    await harness.task.start(harness.positions(1));
    harness.add('in', ['k=b@0']);
    harness.task.process(1, Infinity);
    await gates.open('a');
    await gates.open('b');
    expect(places).toEqual([null, { topic: 'in', partition: 0, offset: 1 }]);
  });
});

test('an async punctuator holds the task, forwards, and lets the next one that is due wait', async () => {
  const gates = new Gates();
  const topology = new Topology()
    .addSource('source', 'in')
    .addProcessor(
      'tick',
      {
        create: (context: Context) => {
          for (const name of ['one', 'two']) {
            context.schedule(10, 'wall-clock', async (timestampMs) => {
              await gates.wait(name);
              context.forward(new StreamRecord('k', name, timestampMs));
            });
          }
          return { process: () => undefined };
        },
      },
      'source',
    )
    .addSink('sink', 'out', 'tick');
  const harness = await TaskHarness.start(topology);
  expect(harness.task.punctuate(10)).toBe(true);
  expect(gates.waiting).toEqual(['one']);
  await gates.open('one');
  await harness.task.pending;
  expect(harness.task.punctuate(10)).toBe(true);
  await gates.open('two');
  await harness.task.pending;
  expect(harness.task.punctuate(10)).toBe(false);
  expect(harness.sink.lines).toEqual(['out:k=one', 'out:k=two']);
});

test('what a cache lets go of for a commit may reach an async processor, which the commit waits for', async () => {
  const gates = new Gates();
  const store = tableStoreBuilder({
    name: 'last',
    key: serdes.string,
    value: serdes.string,
    caching: true,
  });
  const topology = new Topology()
    .addSource('source', 'in')
    .addProcessor(
      'last',
      {
        create: aggregating(
          'last',
          () => '',
          (value: string) => value,
        ),
        stores: [store],
      },
      'source',
    )
    .addProcessor('values', { create: newValues }, 'last')
    .addProcessor('async', { create: waits(gates) }, 'values')
    .addSink('sink', 'out', 'async');
  const harness = await TaskHarness.start(topology);
  await harness.pipe('in', 'k=a@0', 'k=b@0', 'j=c@0');
  harness.task.prepareCommit();
  await gates.open('b');
  expect(harness.task.pending).not.toBeNull();
  await gates.open('c');
  await harness.task.pending;
  expect(harness.sink.lines).toEqual(['out:k=b', 'out:j=c']);
  expect(await harness.commit()).toEqual(['in@3']);
});

describe('a sink whose topic has to be looked up', () => {
  const byValue = (): Topology =>
    new Topology()
      .addSource('source', 'in')
      .addProcessor('split', { create: split }, 'source')
      .addSink<string, string>('sink', (_key, value) => `to-${value}`, 'split');

  test('waits for that, and keeps the order of its records', async () => {
    const sink = new MemorySink({ partitionCounts: { 'to-a': undefined } });
    const harness = await TaskHarness.start(byValue(), { sink });
    await harness.pipe('in', 'k=a,b,a@0');
    expect(sink.lines).toEqual(['to-a:k=a', 'to-b:k=b', 'to-a:k=a']);
  });

  test('stops the task where the topic does not exist, whatever the handlers say', async () => {
    const site = { topic: 'to-a' };
    const missing = new StreamsError('STREAMS_TOPIC_MISSING', 'no such topic', { site });
    const sink = new MemorySink({ partitionCounts: { 'to-a': undefined }, missing });
    const harness = await TaskHarness.start(byValue(), {
      sink,
      config: {
        processingExceptionHandler: () => 'continue',
        productionExceptionHandler: () => 'continue',
      },
    });
    await expect(harness.pipe('in', 'k=a@0')).rejects.toMatchObject({
      code: 'STREAMS_TOPIC_MISSING',
      site: { topic: 'to-a', node: 'sink' },
    });
  });
});

test('a record that cannot be read becomes a dead letter only when nothing at work can take it back', async () => {
  const gates = new Gates();
  const topology = new Topology()
    .addSource('left', 'left')
    .addSource('right', 'right', { value: serdes.json() })
    .addProcessor('async', { create: waits(gates) }, ['left', 'right'])
    .addSink('sink', 'out', 'async');
  const harness = await TaskHarness.start(topology, {
    config: {
      processingExceptionHandler: () => 'continue',
      deserializationExceptionHandler: () => ({ deadLetter: 'dead' }),
    },
  });
  harness.add('left', ['k=a@0']);
  harness.task.process(1, Infinity);
  expect(harness.task.isStaging).toBe(true);
  harness.add('right', ['k={@1']);
  await gates.fail('a');
  await harness.run();
  expect(harness.sink.lines).toEqual(['dead:k={']);
});

test('a dead letter whose topic was looked up for a life that is over by then is written by the next one only', async () => {
  const topology = new Topology()
    .addSource('source', 'in', { value: serdes.json() })
    .addSink('sink', 'out', 'source');
  const harness = await TaskHarness.start(topology, {
    sink: new MemorySink({ partitionCounts: { dead: undefined } }),
    config: { deserializationExceptionHandler: () => ({ deadLetter: 'dead' }) },
  });
  harness.add('in', ['k={@0']);
  harness.task.process(1, Infinity);
  harness.task.discard();
  await settled();
  expect(harness.sink.lines).toEqual([]);
  await harness.task.start(harness.positions());
  await harness.pipe('in', 'k={@0');
  expect(harness.sink.lines).toEqual(['dead:k={']);
});
