import { StreamsError } from '../../../src/common/errors.ts';
import type { ErrorHandler, ErrorHandlerContext } from '../../../src/processor/error-handlers.ts';
import type { Processor } from '../../../src/processor/processor.ts';
import type { ProcessorContext } from '../../../src/processor/processor-context.ts';
import type { StreamsOptions } from '../../../src/runtime/streams-config.ts';
import type { Serde } from '../../../src/serde/serde.ts';
import { serdes } from '../../../src/serde/serdes.ts';
import { Stores, tableStoreBuilder } from '../../../src/state/stores.ts';
import { Topology } from '../../../src/topology/topology.ts';
import { aggregating, newValues } from '../../support/aggregating.ts';
import { MemorySink, type MemorySinkOptions } from '../../support/memory-sink.ts';
import { TaskHarness } from '../../support/task-harness.ts';

type Context = ProcessorContext<string, string>;
type Create = (context: Context) => Processor<string, string>;

/** Text; reading or writing text that begins with `!` fails. */
const picky: Serde<string> = {
  serialize: (value) => {
    if (value.startsWith('!')) throw new TypeError(`cannot write ${value}`);
    return Buffer.from(value);
  },
  deserialize: (bytes) => {
    const text = Buffer.from(bytes).toString();
    if (text.startsWith('!')) throw new TypeError(`cannot read ${text}`);
    return text;
  },
};

const headersOf = (
  record: { headers: readonly (readonly [string, Uint8Array | null])[] } | undefined,
): Record<string, string> =>
  Object.fromEntries(
    (record?.headers ?? []).map(([name, value]) => [
      name,
      value === null ? '' : Buffer.from(value).toString(),
    ]),
  );

describe('a record that cannot be deserialized', () => {
  const topology = new Topology()
    .addSource('source', 'in', { key: serdes.string, value: picky })
    .addSink('sink', 'out', 'source');

  const start = (deserializationExceptionHandler?: ErrorHandler): Promise<TaskHarness> =>
    TaskHarness.start(topology, {
      config: deserializationExceptionHandler ? { deserializationExceptionHandler } : {},
    });

  test('stops the task by default, with its place and cause', async () => {
    const harness = await start();
    await expect(harness.pipe('in', 'k=!@3')).rejects.toMatchObject({
      code: 'STREAMS_DESERIALIZATION',
      site: { taskId: '0_0', node: 'source', topic: 'in', partition: 0, offset: 0 },
      cause: expect.any(TypeError) as unknown,
    });
  });

  test('is skipped and counted on continue; the handler is told where and what it was', async () => {
    const told: ErrorHandlerContext[] = [];
    const harness = await start((context) => {
      told.push(context);
      return 'continue';
    });
    harness.add('in', ['k=!v@3', 'k=good@4'], [['h', null]]);
    await harness.run();
    expect(harness.sink.lines).toEqual(['out:k=good']);
    expect(harness.dropped()).toEqual({ deserialization: 1 });
    expect(told).toEqual([
      {
        taskId: '0_0',
        node: 'source',
        topic: 'in',
        partition: 0,
        offset: 0,
        timestampMs: 3,
        headers: [['h', null]],
        rawKey: new Uint8Array(Buffer.from('k')),
        rawValue: new Uint8Array(Buffer.from('!v')),
      },
    ]);
  });

  test('goes to the dead-letter topic as it was read, with what went wrong in its headers', async () => {
    const harness = await start(() => ({ deadLetter: 'dead' }));
    harness.add('in', ['k=!v@3'], [['h', Buffer.from('kept')]]);
    await harness.run();
    const [letter] = harness.sink.appended;
    expect(letter).toMatchObject({ topic: 'dead', key: 'k', value: '!v', timestampMs: 3 });
    expect(headersOf(letter)).toEqual({
      h: 'kept',
      '__streams.errors.exception': 'TypeError',
      '__streams.errors.message': 'cannot read !v',
      '__streams.errors.stacktrace': expect.stringContaining('error-handlers.test') as string,
      '__streams.errors.topic': 'in',
      '__streams.errors.partition': '0',
      '__streams.errors.offset': '0',
    });
    expect(harness.dropped()).toEqual({ deserialization: 1 });
    expect(await harness.commit()).toEqual(['in@1']);
  });

  test('waits in the task until a dead-letter topic has been looked up', async () => {
    const sink = new MemorySink({ partitionCounts: { dead: undefined } });
    const config = { deserializationExceptionHandler: () => ({ deadLetter: 'dead' }) };
    const harness = await TaskHarness.start(topology, { sink, config });
    harness.add('in', ['k=!@0', 'k=good@0']);
    expect(harness.task.process(Infinity, Infinity)).toBe(0);
    expect(harness.task.pending).not.toBeNull();
    await harness.task.pending;
    await harness.run();
    expect(sink.lines).toEqual(['dead:k=!', 'out:k=good']);
  });

  test('may not be retried: the same bytes fail again', async () => {
    const harness = await start(() => 'retry');
    await expect(harness.pipe('in', 'k=!@0')).rejects.toMatchObject({
      code: 'STREAMS_CONFIG',
      site: { option: 'deserializationExceptionHandler' },
    });
  });

  test('stops the task where the handler throws', async () => {
    const harness = await start(() => {
      throw new Error('handler');
    });
    await expect(harness.pipe('in', 'k=!@0')).rejects.toMatchObject({
      code: 'STREAMS_DESERIALIZATION',
    });
  });

  test.each([[Promise.resolve('continue')], [undefined], [{ deadLetter: 5 }]])(
    'stops the task where the handler returns %p',
    async (response: unknown) => {
      const harness = await start((() => response) as ErrorHandler);
      await expect(harness.pipe('in', 'k=!@0')).rejects.toThrow(/it must return 'fail'/);
    },
  );
});

describe('a record that fails in a processor', () => {
  const store = Stores.keyValue({ name: 'seen', key: serdes.string, value: serdes.string });

  /** Writes to a store and forwards, then fails for values that begin with `!`. */
  const halfway: Create = (context) => {
    const seen = context.keyValueStore<string, string>('seen');
    return {
      process: (record) => {
        seen.put(record.key, `${seen.get(record.key) ?? ''}${record.value}`);
        context.forward(record.withValue(seen.get(record.key) ?? ''));
        if (record.value.startsWith('!')) throw new RangeError(record.value);
      },
    };
  };

  const topology = new Topology()
    .addSource('source', 'in')
    .addStateStore(store)
    .addProcessor('halfway', { create: halfway, stores: ['seen'] }, 'source')
    .addSink('sink', 'out', 'halfway');

  const start = (
    processingExceptionHandler: ErrorHandler,
    config: Partial<StreamsOptions> = {},
  ): Promise<TaskHarness> =>
    TaskHarness.start(topology, { config: { processingExceptionHandler, ...config } });

  test('is taken back whole, and then skipped and counted', async () => {
    const harness = await start(() => 'continue');
    await harness.pipe('in', 'k=a@0', 'k=!@1', 'k=b@2');
    expect(harness.sink.lines).toEqual(['out:k=a', 'out:k=ab']);
    const changelog = harness.sink.appended.filter(({ topic }) => topic === 'app-seen-changelog');
    expect(changelog.map(({ value }) => value)).toEqual(['a', 'ab']);
    expect(harness.dropped()).toEqual({ processing: 1 });
    expect(await harness.commit()).toEqual(['in@3']);
  });

  test('is told to the handler with its node, place and raw bytes, and its error', async () => {
    let told: unknown;
    const harness = await start((context, { code, site, cause }) => {
      told = { ...context, code, errorNode: site.node, cause };
      return 'continue';
    });
    await harness.pipe('in', 'k=!x@7');
    expect(told).toMatchObject({
      node: 'halfway',
      topic: 'in',
      offset: 0,
      timestampMs: 7,
      rawKey: new Uint8Array(Buffer.from('k')),
      rawValue: new Uint8Array(Buffer.from('!x')),
      code: 'STREAMS_PROCESSING',
      errorNode: 'halfway',
      cause: expect.any(RangeError) as unknown,
    });
  });

  test('goes to the dead-letter topic alone', async () => {
    const harness = await start(() => ({ deadLetter: 'dead' }));
    await harness.pipe('in', 'k=!@0');
    expect(harness.sink.appended).toHaveLength(1);
    expect(harness.sink.lines).toEqual(['dead:k=!']);
  });

  test('fails where the handler says so', async () => {
    const harness = await start(() => 'fail');
    await expect(harness.pipe('in', 'k=!@0')).rejects.toMatchObject({ site: { node: 'halfway' } });
  });

  test('is tried again as often as the option says, from a clean state', async () => {
    let failuresLeft = 2;
    const flaky: Create = (context) => {
      const seen = context.keyValueStore<string, string>('seen');
      return {
        process: (record) => {
          seen.put(record.key, `${seen.get(record.key) ?? ''}+`);
          if (failuresLeft-- > 0) throw new Error('flaky');
          context.forward(record.withValue(seen.get(record.key) ?? ''));
        },
      };
    };
    const flakyTopology = new Topology()
      .addSource('source', 'in')
      .addStateStore(store)
      .addProcessor('flaky', { create: flaky, stores: ['seen'] }, 'source')
      .addSink('sink', 'out', 'flaky');
    const config = { processingExceptionHandler: () => 'retry' as const };
    const twice = await TaskHarness.start(flakyTopology, {
      config: { ...config, processingRetries: 2 },
    });
    await twice.pipe('in', 'k=v@0');
    expect(twice.sink.lines).toEqual(['out:k=+']);

    failuresLeft = 2;
    const once = await TaskHarness.start(flakyTopology, { config });
    await expect(once.pipe('in', 'k=v@0')).rejects.toThrow('flaky');
  });

  test('without a handler stops the task with nothing taken back: the transaction is aborted', async () => {
    const harness = await TaskHarness.start(topology);
    await expect(harness.pipe('in', 'k=!@0')).rejects.toMatchObject({ code: 'STREAMS_PROCESSING' });
    expect(harness.sink.lines).toEqual(['out:k=!']);
  });

  test('an error that no record is to blame for stops the task, whatever the handler says', async () => {
    const create: Create = () => ({
      process: () => {
        throw new StreamsError('STREAMS_STATE_IO', 'disk full');
      },
    });
    const broken = new Topology()
      .addSource('source', 'in')
      .addProcessor('disk', { create }, 'source');
    const config = { processingExceptionHandler: () => 'continue' as const };
    const harness = await TaskHarness.start(broken, { config });
    await expect(harness.pipe('in', 'k=v@0')).rejects.toMatchObject({ code: 'STREAMS_STATE_IO' });
  });

  test('a punctuator that fails is taken back and told to the handler without a record', async () => {
    const told: ErrorHandlerContext[] = [];
    const create: Create = (context) => {
      const seen = context.keyValueStore<string, string>('seen');
      context.schedule(1, 'wall-clock', () => {
        seen.put('tick', 'tock');
        throw new Error('tock');
      });
      return { process: () => undefined };
    };
    const ticking = new Topology()
      .addSource('source', 'in')
      .addStateStore(store)
      .addProcessor('tick', { create, stores: ['seen'] }, 'source');
    const harness = await TaskHarness.start(ticking, {
      config: {
        processingExceptionHandler: (context) => {
          told.push(context);
          return { deadLetter: 'dead' };
        },
      },
    });
    harness.task.punctuate(5);
    expect(told).toMatchObject([
      { node: 'tick', topic: null, partition: -1, offset: -1, timestampMs: 5 },
    ]);
    expect(harness.sink.appended).toMatchObject([{ topic: 'dead', key: null, value: null }]);
  });

  test('a row that a cache lets go of for the commit is taken back alone, and the others go through', async () => {
    const table = tableStoreBuilder({
      name: 'last',
      key: serdes.string,
      value: serdes.string,
      caching: true,
    });
    const refusing: Create = (context) => ({
      process: (record) => {
        context.forward(record);
        if (record.value.startsWith('!')) throw new Error('refused');
      },
    });
    const flushing = new Topology()
      .addSource('source', 'in')
      .addStateStore(table)
      .addProcessor(
        'last',
        {
          create: aggregating(
            'last',
            () => '',
            (value: string) => value,
          ),
          stores: ['last'],
        },
        'source',
      )
      .addProcessor('values', { create: newValues }, 'last')
      .addProcessor('refusing', { create: refusing }, 'values')
      .addSink('sink', 'out', 'refusing');
    const config = { processingExceptionHandler: () => 'continue' as const };
    const harness = await TaskHarness.start(flushing, { config });
    await harness.pipe('in', 'a=1@0', 'b=!@0', 'c=3@0');
    expect(await harness.commit()).toEqual(['in@3']);
    expect(harness.sink.lines).toEqual(['out:a=1', 'out:c=3']);
    const rows = harness.sink.appended.filter(({ topic }) => topic === 'app-last-changelog');
    expect(rows.map(({ key }) => key)).toEqual(['a', 'b', 'c']);
  });

  test('an aggregate that was changed in place before its aggregator threw is as it was', async () => {
    interface Sum {
      total: number;
    }
    const table = tableStoreBuilder<string, Sum>({
      name: 'sums',
      key: serdes.string,
      value: serdes.json<Sum>(),
    });
    const add = (value: string, sum: Sum): Sum => {
      sum.total += Number(value.replace('!', ''));
      if (value.startsWith('!')) throw new Error('after the change');
      return sum;
    };
    const summing = new Topology()
      .addSource('source', 'in')
      .addStateStore(table)
      .addProcessor(
        'sum',
        { create: aggregating('sums', () => ({ total: 0 }), add), stores: ['sums'] },
        'source',
      )
      .addProcessor('values', { create: newValues }, 'sum')
      .addSink('sink', 'out', 'values', { value: serdes.json() });
    for (const statestoreCacheMaxBytes of [0, 1_000_000]) {
      const harness = await TaskHarness.start(summing, {
        config: { processingExceptionHandler: () => 'continue', statestoreCacheMaxBytes },
      });
      await harness.pipe('in', 'k=1@0', 'k=!10@0', 'k=2@0');
      await harness.commit();
      expect(harness.sink.lines.at(-1)).toBe('out:k={"total":3}');
    }
  });
});

describe('an output that cannot be sent', () => {
  const topology = new Topology()
    .addSource('source', 'in')
    .addProcessor(
      'late',
      {
        create: (context: Context) => ({
          process: (record: Parameters<Context['forward']>[0]) => {
            const [, shift = '0'] = /^shift (\S+)$/.exec(record.value) ?? [];
            context.forward(record.withTimestamp(record.timestampMs + Number(shift)));
          },
        }),
      },
      'source',
    )
    .addSink('sink', 'out', 'late', { key: serdes.string, value: picky })
    .addSink('copy', 'copy', 'late');

  const start = (
    productionExceptionHandler?: ErrorHandler,
    sink: MemorySinkOptions = {},
  ): Promise<TaskHarness> =>
    TaskHarness.start(topology, {
      sink: new MemorySink(sink),
      config: productionExceptionHandler ? { productionExceptionHandler } : {},
    });

  test('stops the task by default, naming sink, topic and cause', async () => {
    const harness = await start();
    await expect(harness.pipe('in', 'k=!@0')).rejects.toMatchObject({
      code: 'STREAMS_SERIALIZATION',
      site: { taskId: '0_0', node: 'sink', topic: 'out' },
      cause: expect.any(TypeError) as unknown,
    });
  });

  test('is dropped alone on continue: what else the record leads to is sent', async () => {
    const harness = await start(() => 'continue');
    await harness.pipe('in', 'k=!@0');
    expect(harness.sink.lines).toEqual(['copy:k=!']);
    expect(harness.dropped()).toEqual({ production: 1 });
  });

  test('stops the task on retry, since it would fail again', async () => {
    const harness = await start(() => 'retry');
    await expect(harness.pipe('in', 'k=!@0')).rejects.toMatchObject({
      code: 'STREAMS_SERIALIZATION',
    });
  });

  test('stops the task on fail, though the processing handler skips everything', async () => {
    const harness = await TaskHarness.start(topology, {
      config: { processingExceptionHandler: () => 'continue' },
    });
    await expect(harness.pipe('in', 'k=!@0')).rejects.toMatchObject({
      code: 'STREAMS_SERIALIZATION',
    });
  });

  test('stops the task on fail, though user code catches what forward throws', async () => {
    const swallowing = new Topology()
      .addSource('source', 'in')
      .addProcessor(
        'swallow',
        {
          create: (context: Context) => ({
            process: (record: Parameters<Context['forward']>[0]) => {
              try {
                context.forward(record);
              } catch {
                // It goes on as if nothing had happened.
              }
            },
          }),
        },
        'source',
      )
      .addSink('sink', 'out', 'swallow', { key: serdes.string, value: picky });
    const harness = await TaskHarness.start(swallowing);
    await expect(harness.pipe('in', 'k=!@0')).rejects.toMatchObject({
      code: 'STREAMS_SERIALIZATION',
    });
  });

  test('goes to the dead-letter topic as the record that led to it was read', async () => {
    const harness = await start(() => ({ deadLetter: 'dead' }));
    await harness.pipe('in', 'k=!@5');
    expect(harness.sink.lines).toEqual(['dead:k=!', 'copy:k=!']);
    expect(headersOf(harness.sink.appended[0])['__streams.errors.exception']).toBe('TypeError');
  });

  test.each([
    ['negative', 'shift -10'],
    ['later than the topic takes', 'shift 2000'],
    ['no number', 'shift x'],
  ])('a timestamp that is %s goes to the handler before it is sent', async (_, value) => {
    const codes: string[] = [];
    const harness = await start(
      (_context, { code }) => {
        codes.push(code);
        return 'continue';
      },
      { timestampLimitMs: 1_000 },
    );
    harness.clock.advance(500);
    await harness.pipe('in', `k=${value}@5`);
    expect(codes).toEqual(['STREAMS_INVALID_TIMESTAMP', 'STREAMS_INVALID_TIMESTAMP']);
    expect(harness.sink.lines).toEqual([]);
    await harness.pipe('in', 'k=shift 1495@5');
    expect(harness.sink.lines).toHaveLength(2);
  });

  test('a record that is too large goes to the handler', async () => {
    const refuse = (topic: string): StreamsError | undefined =>
      topic === 'out' ? new StreamsError('STREAMS_RECORD_TOO_LARGE', 'too large') : undefined;
    const harness = await start(() => 'continue', { refuse });
    await harness.pipe('in', 'k=v@0');
    expect(harness.sink.lines).toEqual(['copy:k=v']);
    expect(harness.dropped()).toEqual({ production: 1 });
  });

  test('a dead letter that is too large is shortened to digests', async () => {
    const large = 'v'.repeat(200);
    const refuse = (topic: string, value: Uint8Array | null): StreamsError | undefined =>
      topic === 'out' || (value?.length ?? 0) >= 200
        ? new StreamsError('STREAMS_RECORD_TOO_LARGE', 'too large')
        : undefined;
    const harness = await start(() => ({ deadLetter: 'dead' }), {
      refuse: (topic, value) => (topic === 'copy' ? undefined : refuse(topic, value)),
    });
    await harness.pipe('in', `k=${large}@0`);
    const letter = harness.sink.appended.find(({ topic }) => topic === 'dead');
    expect(letter?.value).toMatch(/^sha256:[0-9a-f]{64} of 200 bytes$/);
    expect(headersOf(letter)).toMatchObject({ '__streams.errors.shortened': 'true' });
  });
});

describe('the partition of an output', () => {
  const start = (
    partitioner: (
      topic: string,
      key: string,
      value: string,
      count: number,
    ) => number | number[] | undefined,
  ): Promise<TaskHarness> =>
    TaskHarness.start(
      new Topology()
        .addSource('source', 'in')
        .addSink<string, string>('sink', 'out', 'source', { partitioner }),
      { sink: new MemorySink({ partitionCounts: { out: 4 } }) },
    );
  const partitions = ({ sink }: TaskHarness): number[] =>
    sink.appended.map(({ partition }) => partition);

  test('is murmur2 of the key where the partitioner has no opinion', async () => {
    const harness = await start(() => undefined);
    await harness.pipe('in', 'foobar=v@0', 'a-little-bit-long-string=v@0');
    // Java: murmur2 gives -790332482 and -985981536.
    expect(partitions(harness)).toEqual([
      (-790332482 & 0x7fffffff) % 4,
      (-985981536 & 0x7fffffff) % 4,
    ]);
  });

  test('may be several, or none, which is counted', async () => {
    const harness = await start((_topic, _key, value) => (value === 'all' ? [0, 1, 2, 3] : []));
    await harness.pipe('in', 'k=all@0', 'k=none@0');
    expect(partitions(harness)).toEqual([0, 1, 2, 3]);
    expect(harness.dropped()).toEqual({ 'no-partition': 1 });
  });

  test.each([4, -1, 0.5])('is an error where there is no partition %p', async (partition) => {
    const harness = await start(() => partition);
    await expect(harness.pipe('in', 'k=v@0')).rejects.toThrow(/which has 4/);
  });

  test('of records without a key changes only after some kilobytes', async () => {
    const harness = await start(() => undefined);
    await harness.pipe('in', ...Array.from({ length: 40 }, () => `=${'v'.repeat(1_000)}@0`));
    expect(new Set(partitions(harness))).toEqual(new Set([0, 1, 2]));
    expect(partitions(harness)).toEqual([...partitions(harness)].sort());
  });
});
