import { dirname } from 'node:path';
import { findJava } from '../../../../src/adapters/broker/java-runtime.ts';
import { startKafka, type StartKafkaOptions } from '../../../../src/testing.ts';
import { tempFolder } from '../../../support/temp-folder.ts';

const VARIABLES = ['KAFKA_BROKERS', 'JAVA_HOME', 'DOCKER_HOST', 'MILLRACE_CACHE', 'PATH', 'HOME'];
let saved: NodeJS.ProcessEnv;

beforeEach(() => {
  saved = { ...process.env };
  for (const name of ['KAFKA_BROKERS', 'DOCKER_HOST']) Reflect.deleteProperty(process.env, name);
});

afterEach(() => {
  for (const name of VARIABLES) {
    const value = saved[name];
    if (value === undefined) Reflect.deleteProperty(process.env, name);
    else process.env[name] = value;
  }
});

describe('a cluster that KAFKA_BROKERS names', () => {
  test('is used as it is, and stop leaves it alone', async () => {
    process.env['KAFKA_BROKERS'] = 'one:9092, two:9093';
    const broker = await startKafka();
    expect(broker.brokers).toEqual(['one:9092', 'two:9093']);
    expect([broker.source, broker.version]).toEqual(['environment', 'unknown']);
    await broker.stop();
  });

  test.each(['kill', 'start', 'pause', 'resume'] as const)(
    'refuses to %s, and says how to get a broker that does not',
    async (method) => {
      process.env['KAFKA_BROKERS'] = 'one:9092';
      const broker = await startKafka();
      await expect(broker[method]()).rejects.toMatchObject({
        code: 'STREAMS_CONFIG',
        message: expect.stringContaining('KAFKA_BROKERS') as string,
      });
    },
  );

  test.each<[StartKafkaOptions]>([
    [{ nodes: 3 }],
    [{ transactionVersion: 1 }],
    [{ listeners: 'SASL_PLAINTEXT', users: { alice: 'secret' } }],
  ])('is not taken for one with %j', async (options) => {
    process.env['KAFKA_BROKERS'] = 'one:9092';
    await expect(startKafka(options)).rejects.toMatchObject({ code: 'STREAMS_CONFIG' });
  });

  test('an address without a port is refused', async () => {
    process.env['KAFKA_BROKERS'] = 'one:9092,two';
    await expect(startKafka()).rejects.toThrow('KAFKA_BROKERS holds "two"');
  });

  test('is missed where it is asked for and not set', async () => {
    await expect(startKafka({ source: 'environment' })).rejects.toThrow('KAFKA_BROKERS is not set');
  });
});

describe('where nothing can run a broker', () => {
  /** Only sh is on the path, and nothing is in the cache. */
  function hideAll(folder: string): void {
    process.env['PATH'] = folder;
    process.env['HOME'] = folder;
    process.env['MILLRACE_CACHE'] = folder;
    Reflect.deleteProperty(process.env, 'JAVA_HOME');
  }

  test('one error says what was looked for and what to install', async () => {
    await using folder = await tempFolder();
    hideAll(folder.path);
    // Only Java is asked for: whoever runs this may have a Docker engine.
    const error = await startKafka({ source: 'java' }).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: 'STREAMS_CONFIG' });
    const { message } = error as Error; // matched above
    for (const part of ['Install Docker', 'Java 17', 'KAFKA_BROKERS=', 'Java: no Java']) {
      expect(message).toContain(part);
    }
  });

  test('with Java but no Maven, it says that Maven is missing', async () => {
    await using folder = await tempFolder();
    const { java } = await findJava();
    hideAll(folder.path);
    process.env['JAVA_HOME'] = dirname(dirname(java));
    await expect(startKafka({ source: 'java' })).rejects.toThrow('Maven (mvn) is not installed');
  });
});
