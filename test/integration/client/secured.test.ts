import { inspect } from 'node:util';
import { Kafka, logLevel } from 'kafkajs';
import type { KafkaJsTransportOptions } from '../../../src/adapters/kafkajs/transport.ts';
import { Admin } from '../../../src/client/admin.ts';
import { startKafka, type KafkaBroker } from '../../../src/testing.ts';
import { metric, testApp } from '../../support/app.ts';
import { uniqueName } from '../../support/broker.ts';
import { connectClient } from '../../support/client.ts';
import { countingTopology } from '../../support/counting-app.ts';
import { RecordingLogger } from '../../support/recording-logger.ts';
import { until } from '../../support/until.ts';

let broker: KafkaBroker;

beforeAll(async () => {
  broker = await startKafka({
    source: 'own',
    listeners: 'SASL_SSL',
    users: { alice: 'open-sesame' },
    properties: {
      // So short that a client that only lives for a test has to authenticate again.
      'connections.max.reauth.ms': '11500',
      'sasl.enabled.mechanisms': 'PLAIN,SCRAM-SHA-256,SCRAM-SHA-512,OAUTHBEARER',
      'listener.name.client.oauthbearer.sasl.jaas.config':
        'org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule required unsecuredLoginStringClaim_sub="broker";',
    },
  });
}, 120_000);

afterAll(async () => {
  await broker.stop();
});

type Sasl = NonNullable<KafkaJsTransportOptions['sasl']>;

function sasl(password: string): Sasl {
  return { mechanism: 'scram-sha-256', username: 'alice', password };
}

/** A token that says who it is and until when, unsigned, as Kafka takes it where nothing else is configured. */
function tokenUntil(expiryMs: number): string {
  const part = (content: object): string =>
    Buffer.from(JSON.stringify(content)).toString('base64url');
  const [iat, exp] = [Date.now() / 1000 - 3_600, expiryMs / 1000];
  return `${part({ alg: 'none' })}.${part({ sub: 'alice', iat, exp })}.`;
}

function oauth(expiryMs: number): Sasl {
  return {
    mechanism: 'oauthbearer',
    oauthBearerProvider: () => Promise.resolve({ value: tokenUntil(expiryMs) }),
  };
}

/** Why a client could not connect, and that nobody can read a secret in it. */
async function refusal(
  kafkajs: Pick<KafkaJsTransportOptions, 'ssl' | 'sasl'>,
  secret: string,
): Promise<unknown> {
  const startMs = performance.now();
  const error: unknown = await connectClient({ bootstrap: broker.brokers, kafkajs }).then(
    () => null,
    (reason: unknown) => reason,
  );
  expect(performance.now() - startMs).toBeLessThan(5_000);
  expect(inspect(error, { depth: 10 })).not.toContain(secret);
  return error;
}

const AUTHENTICATION = { code: 'STREAMS_AUTHENTICATION' };

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

  test.each(['plain', 'scram-sha-256', 'scram-sha-512'] as const)(
    'the password connects by %s; a wrong one is final, and is not in the error',
    async (mechanism) => {
      const { ssl = { ca: '' }, brokers } = broker;
      const by = (password: string): Sasl =>
        // A union of objects, one for each mechanism, that a variable mechanism does not fit.
        ({ mechanism, username: 'alice', password }) as Sasl;
      await using client = await connectClient({
        bootstrap: brokers,
        kafkajs: { ssl, sasl: by('open-sesame') },
      });
      expect(client.clusterId).not.toBe('');
      const error = await refusal({ ssl, sasl: by('guess-who') }, 'guess-who');
      expect(error).toMatchObject(AUTHENTICATION);
      expect(String(error)).toContain('Check `sasl`');
    },
  );

  test('a token connects by OAUTHBEARER; an expired one is final, and is not in the error', async () => {
    const { ssl = { ca: '' }, brokers } = broker;
    const kafkajs = { ssl, sasl: oauth(Date.now() + 3_600_000) };
    await using client = await connectClient({ bootstrap: brokers, kafkajs });
    expect(client.clusterId).not.toBe('');
    const expired = Date.now() - 60_000;
    const error = await refusal({ ssl, sasl: oauth(expired) }, tokenUntil(expired).slice(0, 60));
    expect(error).toMatchObject(AUTHENTICATION);
    expect(String(error)).toContain('token');
  });

  test('a token that has expired when the session is renewed ends with the reason', async () => {
    const { ssl = { ca: '' }, brokers } = broker;
    let expiryMs = Date.now() + 3_600_000;
    const oauthBearerProvider = () => Promise.resolve({ value: tokenUntil(expiryMs) });
    await using client = await connectClient({
      bootstrap: brokers,
      kafkajs: { ssl, sasl: { mechanism: 'oauthbearer', oauthBearerProvider } },
    });
    const admin = new Admin(client);
    await admin.describeTopics(['any']);
    expiryMs = Date.now() - 60_000;
    let error: unknown = null;
    await until('the renewal', async () => {
      error = await admin.describeTopics(['any']).then(
        () => null,
        (reason: unknown) => reason,
      );
      return error !== null;
    });
    expect(error).toMatchObject(AUTHENTICATION);
  }, 30_000);

  test('a certificate that nobody has signed is final', async () => {
    const error = await refusal({ ssl: true, sasl: sasl('open-sesame') }, 'open-sesame');
    expect(error).toMatchObject(AUTHENTICATION);
    expect(String(error)).toMatch(/SELF_SIGNED|UNABLE_TO_VERIFY/);
  });

  test('a certificate of another host is final', async () => {
    const ssl = { ...broker.ssl, servername: 'kafka.example.com' };
    const error = await refusal({ ssl, sasl: sasl('open-sesame') }, 'open-sesame');
    expect(error).toMatchObject(AUTHENTICATION);
    expect(String(error)).toContain('ERR_TLS_CERT_ALTNAME_INVALID');
  });

  test('an application goes on while its sessions are renewed, and its result is exact', async () => {
    const { ssl = { ca: '' }, brokers } = broker;
    const logger = new RecordingLogger();
    const kafkajs = { brokers: [...brokers], ssl, logLevel: logLevel.NOTHING };
    const kafka = new Kafka({ ...kafkajs, sasl: sasl('open-sesame') });
    const [input, output] = [uniqueName('in'), uniqueName('out')];
    const kafkaAdmin = kafka.admin();
    await kafkaAdmin.createTopics({ topics: [{ topic: input }, { topic: output }] });
    await kafkaAdmin.disconnect();
    await using app = await testApp({ brokers, ssl, sasl: sasl('open-sesame'), logger });
    const streams = await app.start(countingTopology({ input, output }));
    const states: string[] = [];
    streams.onStateChange((state) => states.push(state));
    const producer = kafka.producer();
    await producer.connect();
    // The threshold of 10 s makes each renewal due 1.5 s after the last.
    let sent = 0;
    for (const endMs = performance.now() + 5_000; performance.now() < endMs;) {
      await producer.send({ topic: input, messages: [{ key: 'k', value: 'value-0' }] });
      sent++;
    }
    await until('every record', () => metric(streams, 'process-total') >= 2 * sent);
    await producer.disconnect();
    await streams.close();
    expect(await countsOf(kafka, output, sent)).toEqual(
      Array.from({ length: sent }, (_, index) => index + 1),
    );
    expect(states).not.toContain('REBALANCING');
    expect(inspect(logger.lines, { depth: 10 })).not.toContain('open-sesame');
  }, 60_000);

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

/** The committed counts of one key, read by kafkajs. */
async function countsOf(kafka: Kafka, topic: string, atLeast: number): Promise<number[]> {
  const consumer = kafka.consumer({ groupId: uniqueName('reader') });
  const counts: number[] = [];
  await consumer.connect();
  await consumer.subscribe({ topic, fromBeginning: true });
  await consumer.run({
    eachMessage: ({ message }) => {
      counts.push(Number(message.value?.readBigInt64BE() ?? -1));
      return Promise.resolve();
    },
  });
  try {
    await until(`${atLeast} counts`, () => counts.length >= atLeast, 30_000);
    return counts;
  } finally {
    await consumer.disconnect();
  }
}
