import { LevelStateDirectory } from '../../../src/adapters/level/level-state-directory.ts';
import { systemRandom } from '../../../src/adapters/node/clock.ts';
import {
  KafkaStreams,
  logAndContinue,
  serdes,
  StreamsBuilder,
  type StreamsError,
  type Topology,
} from '../../../src/index.ts';
import { MetricsRegistry } from '../../../src/observability/metrics-registry.ts';
import { SILENT_LOGGER } from '../../../src/observability/logger.ts';
import { metric, testApp } from '../../support/app.ts';
import { createTopic, uniqueName } from '../../support/broker.ts';
import { countingTopology } from '../../support/counting-app.ts';
import { countingInput, exactCounts, readCounts, totalOf } from '../../support/counts.ts';
import { produce, readCommitted, withClient } from '../../support/records.ts';
import { until } from '../../support/until.ts';

jest.setTimeout(60_000);

/** Why an instance could not start. */
async function failureOf(streams: KafkaStreams): Promise<StreamsError> {
  try {
    await streams.start();
  } catch (error) {
    expect(streams.state).toBe('ERROR');
    expect(streams.error).toBe(error);
    return error as StreamsError; // what `start` rejects with
  }
  throw new Error('it started');
}

/** A member notices a rebalance with its next heartbeat. */
const QUICK = { heartbeatIntervalMs: 200 };

const text = { key: serdes.string, value: serdes.string };

function copy(input: string, output: string): Topology {
  const builder = new StreamsBuilder();
  builder.stream(input, text).to(output, text);
  return builder.build();
}

describe('what keeps an application from starting', () => {
  test('a source topic that does not exist is named', async () => {
    await using app = await testApp();
    const error = await failureOf(app.create(copy('nowhere', await createTopic())));
    expect(error.code).toBe('STREAMS_TOPIC_MISSING');
    expect(error.message).toContain('create it');
    expect(error.message).toContain('nowhere');
  });

  test('so is a sink topic', async () => {
    await using app = await testApp();
    const error = await failureOf(app.create(copy(await createTopic(), 'nowhere')));
    expect(error).toMatchObject({ code: 'STREAMS_TOPIC_MISSING', site: { topic: 'nowhere' } });
  });

  test('co-partitioned topics with different partition counts are named with their counts', async () => {
    await using app = await testApp();
    const three = await createTopic({ partitions: 3 });
    const four = await createTopic({ partitions: 4 });
    const builder = new StreamsBuilder();
    builder
      .stream(three, text)
      .join(builder.table(four, text), (left, right) => `${left}${right}`)
      .to(await createTopic(), text);
    const error = await failureOf(app.create(builder.build()));
    expect(error.code).toBe('STREAMS_TOPOLOGY');
    expect(error.message).toContain(`${three} has 3`);
    expect(error.message).toContain(`${four} has 4`);
  });

  test('an internal topic with a wrong config is named, with what it has and what it needs', async () => {
    await using app = await testApp();
    const [input, output] = [await createTopic({ partitions: 2 }), await createTopic()];
    const changelog = `${app.applicationId}-counts-changelog`;
    await createTopic({ topic: changelog, partitions: 2, configs: { 'cleanup.policy': 'delete' } });
    const error = await failureOf(app.create(countingTopology({ input, output })));
    expect(error.code).toBe('STREAMS_INTERNAL_TOPIC_CONFIG');
    expect(error.message).toMatch(/'delete'.*'compact'/);
    expect(error.message).toContain(changelog);
  });

  test('an internal topic with a wrong partition count is named', async () => {
    await using app = await testApp();
    const [input, output] = [await createTopic({ partitions: 2 }), await createTopic()];
    const repartition = `${app.applicationId}-by-value-repartition`;
    await createTopic({ topic: repartition, partitions: 5 });
    const error = await failureOf(app.create(countingTopology({ input, output })));
    expect(error.code).toBe('STREAMS_INTERNAL_TOPIC_CONFIG');
    expect(error.message).toContain('5 partitions');
  });

  test('an internal topic that is gone after the first start is not made again', async () => {
    await using app = await testApp();
    const [input, output] = [await createTopic({ partitions: 2 }), await createTopic()];
    await produce(input, countingInput(2, 5));
    const first = await app.start(countingTopology({ input, output }));
    await until('10 counts', async () => totalOf(await readCounts(output)) >= 10);
    await first.close();
    const changelog = `${app.applicationId}-counts-changelog`;
    await withClient((admin) => admin.deleteTopics([changelog]));

    const error = await failureOf(app.create(countingTopology({ input, output })));
    expect(error.code).toBe('STREAMS_TOPIC_MISSING');
    expect(error.message).toContain(changelog);
    expect(error.message).toContain('createMissingInternalTopics');
  });

  test('no broker at all gives every address and its reason, in time', async () => {
    await using app = await testApp({
      brokers: ['127.0.0.1:1', 'localhost:2'],
      requestTimeoutMs: 500,
    });
    const error = await failureOf(app.create(copy('in', 'out')));
    expect(error.code).toBe('STREAMS_CLIENT');
    expect(error.message).toContain('127.0.0.1:1');
    expect(error.message).toContain('localhost:2');
  });

  test('a state folder that another process uses is named, with what to do', async () => {
    await using app = await testApp();
    const [input, output] = [await createTopic(), await createTopic()];
    await app.start(countingTopology({ input, output }));
    const error = await failureOf(app.create(countingTopology({ input, output })));
    expect(error.code).toBe('STREAMS_STATE_LOCKED');
    expect(error.message).toContain('stateDir');
    expect(error.site.folder).toContain(app.stateDir);
  });

  test('state of another cluster is refused, and left as it is', async () => {
    await using app = await testApp();
    const [input, output] = [await createTopic(), await createTopic()];
    const folder = await LevelStateDirectory.open({
      stateDir: app.stateDir,
      applicationId: app.applicationId,
      levelMemoryMaxBytes: 1 << 20,
      levelMaxOpenFiles: 100,
      random: systemRandom,
      logger: SILENT_LOGGER,
      metrics: new MetricsRegistry(),
    });
    const request = { clusterId: 'elsewhere', topologyFingerprint: '', tasks: 1 };
    const { storage } = await folder.open({ ...request, taskId: '1_0' });
    await storage.write({ entries: [], positions: new Map() });
    await folder.close();

    const error = await failureOf(app.create(countingTopology({ input, output })));
    expect(error.code).toBe('STREAMS_STATE_INCOMPATIBLE');
    expect(error.message).toContain('elsewhere');
  });

  test('a config that cannot be is refused before anything is opened', () => {
    const options = { applicationId: uniqueName('app'), brokers: ['localhost:9092'] };
    const make = (more: object) => () =>
      new KafkaStreams(copy('in', 'out'), { ...options, ...more });
    expect(make({ comitIntervalMs: 5 })).toThrow("did you mean 'commitIntervalMs'");
    expect(make({ threads: 2 })).toThrow('give the URL of a module');
    expect(make({ compressionType: 'brotli' })).toThrow("'brotli' is none of");
    expect(make({ compressionType: 'lz4' })).toThrow('no codec for lz4');
  });
});

describe('a record that cannot be read', () => {
  const numbers = { key: serdes.string, value: serdes.long };
  const poison = { key: 'bad', value: Buffer.from('three') };
  const good = (number: number) => {
    const value = Buffer.alloc(8);
    value.writeBigInt64BE(BigInt(number));
    return { key: `${number}`, value };
  };

  async function doubling() {
    const [input, output] = [await createTopic(), await createTopic()];
    const builder = new StreamsBuilder();
    builder
      .stream(input, numbers)
      .mapValues((number) => number * 2)
      .to(output, numbers);
    const values = async (): Promise<number[]> =>
      (await readCommitted(output)).map(({ value }) => Number(value?.readBigInt64BE()));
    return { input, output, values, topology: builder.build() };
  }

  test('stops the instance under log-and-fail; what came before is not committed half', async () => {
    await using app = await testApp();
    const { input, values, topology } = await doubling();
    await produce(input, [good(1), poison, good(2)]);
    const streams = app.create(topology);
    const stopped = new Promise<void>((resolve) => {
      streams.onStateChange((state) => {
        if (state === 'ERROR') resolve();
      });
    });
    await streams.start().catch(() => undefined); // it may fail before it has said RUNNING
    await stopped;
    expect(streams.error).toMatchObject({
      code: 'STREAMS_DESERIALIZATION',
      site: { topic: input, partition: 0, offset: 1, taskId: '0_0' },
    });
    expect([[], [2]]).toContainEqual(await values());
  });

  test('is skipped and counted under log-and-continue', async () => {
    await using app = await testApp({ deserializationExceptionHandler: logAndContinue });
    const { input, values, topology } = await doubling();
    await produce(input, [good(1), poison, good(2)]);
    const streams = await app.start(topology);
    await until('both numbers', async () => (await values()).length === 2);
    expect(await values()).toEqual([2, 4]);
    expect(metric(streams, 'dropped-records-total')).toBe(1);
  });

  test('goes to a dead-letter topic as it came, with where it came from', async () => {
    const letters = await createTopic();
    await using app = await testApp({
      deserializationExceptionHandler: () => ({ deadLetter: letters }),
    });
    const { input, values, topology } = await doubling();
    await produce(input, [good(1), poison, good(2)]);
    await app.start(topology);
    await until('both numbers', async () => (await values()).length === 2);
    const [letter, ...others] = await readCommitted(letters);
    expect(others).toEqual([]);
    expect(letter).toMatchObject({ key: 'bad', value: Buffer.from('three') });
    expect(letter?.headers).toMatchObject({
      '__streams.errors.topic': input,
      '__streams.errors.partition': '0',
      '__streams.errors.offset': '1',
    });
  });
});

describe('an error of user code', () => {
  /** Counts, but throws at the `failAt`-th record that it sees, once. */
  function failing(input: string, output: string, failAt: number): Topology {
    let seen = 0;
    const builder = new StreamsBuilder();
    const counted = builder.stream(input, text).peek(() => {
      seen += 1;
      if (seen === failAt) throw new Error('the third of May');
    });
    counted.to(output, text);
    return builder.build();
  }

  test('stops the instance by default, with the place where it happened', async () => {
    await using app = await testApp();
    const [input, output] = [await createTopic(), await createTopic()];
    const streams = await app.start(failing(input, output, 2));
    await produce(input, countingInput(1, 3));
    await until('an error', () => streams.state === 'ERROR');
    expect(streams.error).toMatchObject({
      code: 'STREAMS_PROCESSING',
      site: { topic: input, partition: 0, offset: 1, taskId: '0_0' },
    });
    expect(streams.error?.message).toContain('the third of May');
  });

  test('is started over where the handler says so, and nothing is lost or doubled', async () => {
    const errors: StreamsError[] = [];
    await using app = await testApp({
      uncaughtExceptionHandler: (error) => {
        errors.push(error);
        return 'replaceThread';
      },
    });
    const [input, output] = [await createTopic(), await createTopic()];
    await produce(input, countingInput(1, 50));
    await app.start(failing(input, output, 20));
    await until('50 records', async () => (await readCommitted(output)).length >= 50);
    expect((await readCommitted(output)).map(({ key }) => key)).toEqual(
      countingInput(1, 50).map(({ key }) => key),
    );
    expect(errors.map(({ code }) => code)).toEqual(['STREAMS_PROCESSING']);
  });

  test('in an async processor is taken back whole, while other tasks have records too', async () => {
    await using app = await testApp({ processingExceptionHandler: logAndContinue });
    const [input, output] = [await createTopic({ partitions: 3 }), await createTopic()];
    const builder = new StreamsBuilder();
    builder
      .stream(input, text)
      .process<string, string>({
        create: (context) => ({
          process: async (record) => {
            context.forward(record.withValue('before'));
            await new Promise((resolve) => setImmediate(resolve));
            if (record.value === 'value-0') throw new Error('not this one');
            context.forward(record.withValue('after'));
          },
        }),
      })
      .to(output, text);
    await produce(input, countingInput(3, 40));
    await app.start(builder.build());
    await until('80 records twice', async () => (await readCommitted(output)).length >= 160);
    const written = (await readCommitted(output)).map(
      ({ key, value }) => `${key ?? ''} ${value?.toString() ?? ''}`,
    );
    const expected = countingInput(3, 40)
      .filter(({ value }) => value !== 'value-0')
      .flatMap(({ key }) => [`${key} before`, `${key} after`]);
    expect(written.sort()).toEqual(expected.sort());
  });

  test('stops every instance where the handler says so', async () => {
    const uncaughtExceptionHandler = () => 'shutdownApplication' as const;
    await using app = await testApp({ ...QUICK, uncaughtExceptionHandler });
    await using other = await testApp(QUICK);
    const [input, output] = [await createTopic({ partitions: 2 }), await createTopic()];
    const one = await app.start(failing(input, output, 1));
    const { applicationId } = app;
    const two = await other.start(copy(input, output), { applicationId });
    await until('both to run', () => one.state === 'RUNNING' && two.state === 'RUNNING');
    await produce(
      input,
      [0, 1].map((partition) => ({ key: 'k', value: 'v', partition })),
    );
    await until('both to stop', () => one.state === 'ERROR' && two.state === 'ERROR');
    expect(one.error?.code).toBe('STREAMS_PROCESSING');
    expect(two.error?.code).toBe('STREAMS_STOPPED');
  });
});

describe('two instances in one group', () => {
  test('share the tasks, and a third topology is refused', async () => {
    await using app = await testApp(QUICK);
    await using other = await testApp(QUICK);
    const [input, output] = [await createTopic({ partitions: 4 }), await createTopic()];
    await produce(input, countingInput(10, 50));
    const one = await app.start(countingTopology({ input, output }));
    const { applicationId } = app;
    const two = await other.start(countingTopology({ input, output }), { applicationId });
    await until('500 counts', async () => totalOf(await readCounts(output)) >= 500);
    expect(await readCounts(output)).toEqual(exactCounts(10, 50));
    await until('both to run', () => one.state === 'RUNNING' && two.state === 'RUNNING');

    await using stranger = await testApp(QUICK);
    const refused = stranger.create(copy(input, output), { applicationId });
    const error = await failureOf(refused);
    expect(error.code).toBe('STREAMS_CONFIG');
    expect(error.message).toContain('another topology');
    await until('both to go on', () => one.state === 'RUNNING' && two.state === 'RUNNING');
  });
});
