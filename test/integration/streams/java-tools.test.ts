import { startKafka, type KafkaBroker } from '../../../src/testing.ts';
import { testApp, type TestApp } from '../../support/app.ts';
import { createTopic } from '../../support/broker.ts';
import { countingTopology } from '../../support/counting-app.ts';
import { countingInput, readCounts, totalOf } from '../../support/counts.ts';
import { produce } from '../../support/records.ts';
import { until } from '../../support/until.ts';

jest.setTimeout(120_000);

let kafka: KafkaBroker;
let brokers: readonly string[];

beforeAll(async () => {
  kafka = await startKafka({ source: 'own' });
  brokers = kafka.brokers;
});

afterAll(async () => {
  await kafka.stop();
});

/** An application that has counted 30 records, and is closed. */
async function counted(): Promise<TestApp & { readonly input: string; readonly output: string }> {
  const input = await createTopic({ partitions: 2, brokers });
  const output = await createTopic({ brokers });
  const app = await testApp({ brokers });
  await produce(input, countingInput(3, 10), brokers);
  const streams = await app.start(countingTopology({ input, output }));
  await until('30 counts', async () => totalOf(await readCounts(output, brokers)) >= 30, 30_000);
  await streams.close();
  return { ...app, input, output };
}

/** What Kafka's console consumer shows of a topic, a line a record, sorted. */
async function consoleLines(topic: string, count: number): Promise<string[]> {
  const { stdout } = await kafka.tool(
    'kafka-console-consumer',
    ...['--topic', topic, '--from-beginning', '--max-messages', String(count)],
    ...['--isolation-level', 'read_committed', '--property', 'print.key=true'],
    ...['--key-deserializer', 'org.apache.kafka.common.serialization.StringDeserializer'],
    ...['--value-deserializer', 'org.apache.kafka.common.serialization.LongDeserializer'],
  );
  return stdout
    .split('\n')
    .filter((line) => line.includes('\t'))
    .sort();
}

describe("Kafka's own tools", () => {
  test('read our output and our changelog with the deserializers of Java', async () => {
    await using app = await counted();
    const expected = ['value-0', 'value-1', 'value-2'].flatMap((value) =>
      Array.from({ length: 10 }, (_, count) => `${value}\t${count + 1}`),
    );
    expect(await consoleLines(app.output, 30)).toEqual(expected.sort());
    expect(await consoleLines(`${app.applicationId}-counts-changelog`, 30)).toEqual(
      expected.sort(),
    );
  });

  test('show our group and its committed offsets', async () => {
    await using app = await counted();
    const { stdout } = await kafka.tool(
      'kafka-consumer-groups',
      '--describe',
      '--group',
      app.applicationId,
    );
    const lags = stdout
      .split('\n')
      .filter((line) => line.startsWith(app.applicationId))
      .map((line) => line.trim().split(/\s+/)[5]);
    expect(lags).toHaveLength(4);
    expect(new Set(lags)).toEqual(new Set(['0']));
  });

  test('reset the application: it counts from the beginning, in topics made anew', async () => {
    await using app = await counted();
    const reset = await kafka.tool(
      'kafka-streams-application-reset',
      ...['--application-id', app.applicationId, '--input-topics', app.input, '--force'],
    );
    expect(reset).toMatchObject({ exitCode: 0 });
    const { stdout: topics } = await kafka.tool('kafka-topics', '--list');
    expect(topics).not.toContain(app.applicationId);

    const streams = app.create(countingTopology({ input: app.input, output: app.output }));
    await streams.cleanUp();
    await streams.start();
    await until(
      '30 more counts',
      async () => totalOf(await readCounts(app.output, brokers)) >= 60,
      30_000,
    );
    expect(streams.store<string, number>('counts').get('value-1')).toBe(10);
  });
});
