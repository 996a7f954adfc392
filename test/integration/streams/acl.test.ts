import { inspect } from 'node:util';
import {
  AclOperationTypes,
  AclPermissionTypes,
  AclResourceTypes,
  Kafka,
  logLevel,
  ResourcePatternTypes,
  type AclEntry,
  type Admin,
} from 'kafkajs';
import type { KafkaStreams } from '../../../src/index.ts';
import { startKafka, type KafkaBroker } from '../../../src/testing.ts';
import { metric, testApp } from '../../support/app.ts';
import { uniqueName } from '../../support/broker.ts';
import { countingTopology } from '../../support/counting-app.ts';
import { countingInput } from '../../support/counts.ts';
import { RecordingLogger } from '../../support/recording-logger.ts';
import { until } from '../../support/until.ts';

jest.setTimeout(60_000);

const { LITERAL, PREFIXED } = ResourcePatternTypes;

const INPUT = 'acl-in';
const OUTPUT = 'acl-out';

interface Grant {
  readonly type: keyof typeof AclResourceTypes;
  readonly name: string;
  readonly pattern: ResourcePatternTypes;
  readonly operation: keyof typeof AclOperationTypes;
}

function internalTopics(applicationId: string): Omit<Grant, 'operation'> {
  return { type: 'TOPIC', name: `${applicationId}-`, pattern: PREFIXED };
}

/** The table of docs/security.md, without Delete. Read, Write and Delete imply Describe. */
function leastGrants(applicationId: string): Grant[] {
  const internal = internalTopics(applicationId);
  return [
    { type: 'TOPIC', name: INPUT, pattern: LITERAL, operation: 'READ' },
    { type: 'TOPIC', name: OUTPUT, pattern: LITERAL, operation: 'WRITE' },
    { ...internal, operation: 'CREATE' },
    { ...internal, operation: 'READ' },
    { ...internal, operation: 'WRITE' },
    { ...internal, operation: 'DESCRIBE_CONFIGS' },
    { type: 'GROUP', name: applicationId, pattern: LITERAL, operation: 'READ' },
    { type: 'TRANSACTIONAL_ID', name: `${applicationId}-`, pattern: PREFIXED, operation: 'WRITE' },
  ];
}

let broker: KafkaBroker;
let kafka: Kafka;
let admin: Admin;

beforeAll(async () => {
  broker = await startKafka({
    source: 'own',
    listeners: 'SASL_PLAINTEXT',
    users: { admin: 'admin-secret', alice: 'open-sesame' },
    properties: {
      'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
      // Brokers and Kafka's tools come in by listeners without credentials.
      'super.users': 'User:ANONYMOUS;User:admin',
    },
  });
  kafka = new Kafka({
    brokers: [...broker.brokers],
    sasl: { mechanism: 'plain', username: 'admin', password: 'admin-secret' },
    logLevel: logLevel.NOTHING,
  });
  admin = kafka.admin();
  await admin.connect();
  await admin.createTopics({ topics: [{ topic: INPUT }, { topic: OUTPUT }] });
  const producer = kafka.producer();
  await producer.connect();
  await producer.send({ topic: INPUT, messages: countingInput(5, 20) });
  await producer.disconnect();
}, 120_000);

afterAll(async () => {
  await admin.disconnect();
  await broker.stop();
});

/** Alice may do this, and nothing else. */
async function grantOnly(grants: readonly Grant[]): Promise<void> {
  await admin.deleteAcls({
    filters: [
      {
        resourceType: AclResourceTypes.ANY,
        resourcePatternType: ResourcePatternTypes.ANY,
        operation: AclOperationTypes.ANY,
        permissionType: AclPermissionTypes.ANY,
        principal: 'User:alice',
      },
    ],
  });
  const acl = grants.map(({ type, name, pattern, operation }): AclEntry => ({
    resourceType: AclResourceTypes[type],
    resourceName: name,
    resourcePatternType: pattern,
    operation: AclOperationTypes[operation],
    principal: 'User:alice',
    host: '*',
    permissionType: AclPermissionTypes.ALLOW,
  }));
  await admin.createAcls({ acl });
}

interface AppOfAlice extends AsyncDisposable {
  readonly applicationId: string;
  readonly logger: RecordingLogger;
  start(): Promise<KafkaStreams>;
  create(): KafkaStreams;
}

/** A counting application of alice's, with what `grants` gives her. */
async function appOfAlice(
  grants: (applicationId: string) => readonly Grant[],
): Promise<AppOfAlice> {
  const applicationId = uniqueName('acl-app');
  const logger = new RecordingLogger();
  await grantOnly(grants(applicationId));
  const app = await testApp({
    applicationId,
    brokers: broker.brokers,
    sasl: { mechanism: 'plain', username: 'alice', password: 'open-sesame' },
    repartitionPurgeIntervalMs: 200,
    taskTimeoutMs: 5_000,
    logger,
  });
  const topology = countingTopology({ input: INPUT, output: OUTPUT });
  return {
    applicationId,
    logger,
    create: () => app.create(topology),
    start: () => app.start(topology),
    [Symbol.asyncDispose]: () => app[Symbol.asyncDispose](),
  };
}

const NOT_PURGED = 'repartition topics were not purged';

describe('an application under Kafka’s authorizer', () => {
  test('runs, purges and restores with the least set of ACLs', async () => {
    await using app = await appOfAlice((id) => [
      ...leastGrants(id),
      { ...internalTopics(id), operation: 'DELETE' },
    ]);
    const first = await app.start();
    await until('the first run', () => metric(first, 'process-total') >= 200);
    await until('a purge', async () => {
      const [partition] = await admin.fetchTopicOffsets(
        `${app.applicationId}-by-value-repartition`,
      );
      return Number(partition?.low) > 0;
    });
    await first.close();
    await first.cleanUp();
    const second = await app.start();
    await until('the restore', () => metric(second, 'restore-records-total') > 0);
    expect(second.error).toBeNull();
    expect(app.logger.lines.map(({ message }) => message)).not.toContain(NOT_PURGED);
  });

  test('without Delete on its internal topics runs, and says that they grow', async () => {
    await using app = await appOfAlice(leastGrants);
    const streams = await app.start();
    await until('a warning', () => app.logger.lines.some(({ message }) => message === NOT_PURGED));
    const warning = app.logger.lines.find(({ message }) => message === NOT_PURGED);
    expect(warning?.fields).toMatchObject({ err: { code: 'STREAMS_AUTHORIZATION' } });
    expect(inspect(warning)).toContain('grant the principal Delete on the topic');
    expect(streams.state).toBe('RUNNING');
  });

  const missing = leastGrants('app').map(
    ({ type, operation, name }, index) => [operation, type, name, index] as const,
  );
  test.each(missing)('without %s on %s %s is told so', async (_o, _t, name, index) => {
    await using app = await appOfAlice((id) => leastGrants(id).filter((_, at) => at !== index));
    const streams = app.create();
    await streams.start().catch(() => undefined);
    await until('an error', () => streams.state === 'ERROR', 20_000);
    expect(streams.error).toMatchObject({ code: 'STREAMS_AUTHORIZATION' });
    expect(streams.error?.message).toContain(name.replace(/^app/, app.applicationId));
    expect(streams.error?.message).toContain('grant the principal');
  });
});
