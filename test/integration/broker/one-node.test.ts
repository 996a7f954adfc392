import { Kafka, logLevel, type Producer } from 'kafkajs';
import { startKafka, type KafkaBroker } from '../../../src/testing.ts';
import { createTopic, uniqueName } from '../../support/broker.ts';
import { until } from '../../support/until.ts';

let broker: KafkaBroker;

beforeAll(async () => {
  broker = await startKafka({ source: 'own' });
}, 120_000);

afterAll(async () => {
  await broker.stop();
});

/** Sends one record and resolves with the offset it got. */
async function send(topic: string, value: string): Promise<string | undefined> {
  const producer = connectable().producer();
  return withProducer(producer, async () => {
    const [metadata] = await producer.send({ topic, messages: [{ key: 'k', value }] });
    return metadata?.baseOffset;
  });
}

function connectable(): Kafka {
  return new Kafka({
    brokers: [...broker.brokers],
    logLevel: logLevel.NOTHING,
    connectionTimeout: 1000,
    requestTimeout: 1000,
    retry: { retries: 0 },
  });
}

async function withProducer<T>(producer: Producer, work: () => Promise<T>): Promise<T> {
  try {
    await producer.connect();
    return await work();
  } finally {
    await producer.disconnect();
  }
}

describe('a broker of one node', () => {
  test("Kafka's console consumer reads what a client wrote", async () => {
    const topic = await createTopic({ brokers: broker.brokers });
    await send(topic, 'hello');
    const consumed = await broker.tool(
      ...(['kafka-console-consumer', '--topic', topic, '--from-beginning'] as const),
      ...['--max-messages', '1', '--property', 'print.key=true'],
    );
    expect(consumed.stdout).toContain('k\thello\n');
    expect(consumed.exitCode).toBe(0);
  });

  test('what a tool complains about is given back, not thrown', async () => {
    const result = await broker.tool('kafka-topics', '--describe', '--topic', uniqueName('none'));
    expect(result.exitCode).toBe(1);
    expect(result.stdout + result.stderr).toContain('does not exist');
  });

  test('a tool can be named by its Java class', async () => {
    const bootstrap = ['--bootstrap-server', broker.brokers.join(',')];
    const name = 'org.apache.kafka.tools.ClusterTool';
    const { stdout } = await broker.tool(name, 'cluster-id', ...bootstrap);
    expect(stdout).toMatch(/^Cluster ID: \w[\w-]{21}\n$/);
  });

  test('a topic that nobody created does not come into being', async () => {
    await expect(send(uniqueName('none'), 'hello')).rejects.toThrow('does not host');
  });

  test('a killed broker refuses connections and comes back with its port and its data', async () => {
    const topic = await createTopic({ brokers: broker.brokers });
    expect(await send(topic, 'one')).toBe('0');
    await broker.kill();
    await expect(send(topic, 'lost')).rejects.toThrow('ECONNREFUSED');
    await expect(broker.pause()).rejects.toMatchObject({ code: 'STREAMS_NOT_RUNNING' });
    await broker.start();
    // A broker serves clients some time before it leads its partitions again.
    let offset: string | undefined;
    const written = async (): Promise<boolean> => {
      offset = await send(topic, 'two').catch(() => undefined);
      return offset !== undefined;
    };
    await until('the topic to have a leader', written, 30_000);
    expect(offset).toBe('1');
  }, 60_000);

  test('a paused broker keeps its sockets and answers nobody until it is resumed', async () => {
    const topic = await createTopic({ brokers: broker.brokers });
    await broker.pause();
    await expect(send(topic, 'late')).rejects.toThrow('timed out');
    await broker.resume();
    const admin = connectable().admin();
    await admin.connect();
    expect(await admin.listTopics()).toContain(topic);
    await admin.disconnect();
  }, 60_000);

  test('a node that does not exist is refused', async () => {
    await expect(broker.kill(2)).rejects.toThrow('counted from 1 to 1');
  });

  test('its log can be shown', () => {
    expect(broker.logTail(1000)).toContain('Kafka Server started');
  });
});

test('a paused broker can be stopped, and a stopped one cannot be used', async () => {
  const paused = await startKafka({ source: 'own' });
  await paused.pause();
  await paused.stop();
  await paused.stop();
  await expect(paused.start()).rejects.toMatchObject({ code: 'STREAMS_STOPPED' });
  await expect(paused.tool('kafka-topics', '--list')).rejects.toMatchObject({
    code: 'STREAMS_STOPPED',
  });
}, 60_000);

test('the transaction version is what was asked for', async () => {
  const options = { source: 'own', version: '4', transactionVersion: 1 } as const;
  await using protocol1 = await startKafka(options);
  const { stdout } = await protocol1.tool('kafka-features', 'describe');
  expect(stdout).toMatch(/transaction\.version\s.*FinalizedVersionLevel: 1\s/);
}, 60_000);
