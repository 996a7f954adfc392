import { Admin } from '../../../src/client/admin.ts';
import { isStreamsError } from '../../../src/common/errors.ts';
import { startKafka, type KafkaBroker } from '../../../src/testing.ts';
import { uniqueName } from '../../support/broker.ts';
import { connectClient } from '../../support/client.ts';
import { until } from '../../support/until.ts';

let broker: KafkaBroker;

beforeAll(async () => {
  broker = await startKafka({
    source: 'own',
    listeners: 'SASL_SSL',
    users: { alice: 'open-sesame' },
    // So short that a client that only lives for a test has to authenticate again.
    properties: { 'connections.max.reauth.ms': '11500' },
  });
}, 120_000);

afterAll(async () => {
  await broker.stop();
});

function sasl(password: string): {
  mechanism: 'scram-sha-256';
  username: string;
  password: string;
} {
  return { mechanism: 'scram-sha-256', username: 'alice', password };
}

describe('SASL and TLS, with the options that kafkajs takes', () => {
  test('the right ones connect, and requests go on when the session has to be renewed', async () => {
    const { ssl = { ca: '' }, brokers } = broker;
    await using client = await connectClient({
      bootstrap: brokers,
      kafkajs: { ssl, sasl: sasl('open-sesame') },
    });
    const admin = new Admin(client);
    const topic = uniqueName('secret');
    await admin.createTopics([{ name: topic, partitions: 1, replicationFactor: 1, config: {} }], {
      timeoutMs: 10_000,
    });
    // The threshold of 10 s makes the renewal due 1.5 s after the connect.
    const endMs = performance.now() + 4_000;
    await until('the session was renewed more than once', async () => {
      const found = await Promise.all([1, 2, 3].map(() => admin.describeTopics([topic])));
      expect(found.map((topics) => topics.get(topic)?.partitionCount)).toEqual([1, 1, 1]);
      return performance.now() > endMs;
    });
  }, 30_000);

  test('a wrong password is final, and is not in the error', async () => {
    const { ssl = { ca: '' }, brokers } = broker;
    const startMs = performance.now();
    const error: unknown = await connectClient({
      bootstrap: brokers,
      kafkajs: { ssl, sasl: sasl('guess-who') },
    }).catch((reason: unknown) => reason);
    expect(isStreamsError(error, 'STREAMS_AUTHENTICATION')).toBe(true);
    expect(performance.now() - startMs).toBeLessThan(5_000);
    expect(String(error)).not.toContain('guess-who');
  });

  test('a certificate that nobody has signed is final', async () => {
    await expect(
      connectClient({
        bootstrap: broker.brokers,
        kafkajs: { ssl: true, sasl: sasl('open-sesame') },
      }),
    ).rejects.toMatchObject({ code: 'STREAMS_AUTHENTICATION' });
  });

  test('plain text to a TLS port is an error that says where, in bounded time', async () => {
    const startMs = performance.now();
    await expect(
      connectClient({
        bootstrap: broker.brokers,
        bootstrapTimeoutMs: 1_000,
        connectTimeoutMs: 1_000,
      }),
    ).rejects.toMatchObject({
      code: 'STREAMS_CLIENT',
      message: expect.stringContaining(broker.brokers[0] ?? '') as unknown,
    });
    expect(performance.now() - startMs).toBeLessThan(10_000);
  });
});
