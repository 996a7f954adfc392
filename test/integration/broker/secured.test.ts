import { Kafka, logLevel, type SASLOptions } from 'kafkajs';
import { startKafka, type KafkaBroker } from '../../../src/testing.ts';

const users = { alice: 'secret' };
const MECHANISMS = ['plain', 'scram-sha-256', 'scram-sha-512'] as const;

/** Connects, and resolves with the topics that the broker lists. */
async function listTopics(
  { brokers, ssl }: KafkaBroker,
  mechanism: (typeof MECHANISMS)[number],
  password: string,
): Promise<string[]> {
  const sasl = { mechanism, username: 'alice', password } as SASLOptions; // a union that no variable mechanism fits
  const kafka = new Kafka({
    brokers: [...brokers],
    ...(ssl === undefined ? {} : { ssl }),
    sasl,
    logLevel: logLevel.NOTHING,
    retry: { retries: 0 },
  });
  const admin = kafka.admin();
  try {
    await admin.connect();
    return await admin.listTopics();
  } finally {
    await admin.disconnect();
  }
}

describe.each(['SASL_PLAINTEXT', 'SASL_SSL'] as const)(
  'a broker with a %s listener',
  (listeners) => {
    let broker: KafkaBroker;

    beforeAll(async () => {
      broker = await startKafka({ source: 'own', listeners, users });
      await broker.tool('kafka-topics', '--create', '--topic', 'clicks');
    }, 120_000);

    afterAll(async () => {
      await broker.stop();
    });

    test.each(MECHANISMS)(
      'admits its users by %s, and nobody with a wrong password',
      async (mechanism) => {
        expect(await listTopics(broker, mechanism, 'secret')).toContain('clicks');
        await expect(listTopics(broker, mechanism, 'guess')).rejects.toThrow(/[Aa]uthentication/);
      },
    );

    test('has a certificate to trust exactly where it has TLS', async () => {
      const hasTls = listeners === 'SASL_SSL';
      expect(broker.ssl?.ca.includes('BEGIN CERTIFICATE') ?? false).toBe(hasTls);
      if (hasTls) {
        const { brokers } = broker;
        const distrusted = { ...broker, brokers, ssl: { ca: '' } };
        await expect(listTopics(distrusted, 'plain', 'secret')).rejects.toThrow('self-signed');
      }
    });
  },
);
