import { randomBytes } from 'node:crypto';
import type { BrokerPlan } from './broker-plan.ts';
import { freePorts } from './free-ports.ts';

/** Where one node listens, and under which host clients and its peers reach it. */
export interface NodeAddress {
  readonly id: number;
  readonly bind: string;
  readonly clientHost: string;
  readonly clientPort: number;
  readonly peerHost: string;
  readonly internalPort: number;
  readonly controllerPort: number;
}

/** Addresses of the nodes 1 to `count`, with free ports. */
export async function chooseAddresses(
  count: number,
  place: (id: number) => Pick<NodeAddress, 'bind' | 'clientHost' | 'peerHost'>,
): Promise<NodeAddress[]> {
  const ports = await freePorts(3 * count);
  return Array.from({ length: count }, (_, index) => {
    const [clientPort = 0, internalPort = 0, controllerPort = 0] = ports.slice(3 * index);
    return { id: index + 1, ...place(index + 1), clientPort, internalPort, controllerPort };
  });
}

export interface NodeFiles {
  readonly dataFolder: string;
  /** PKCS12, password `KEYSTORE_PASSWORD`; read only where the listener has TLS. */
  readonly keystore: string;
}

/** The keystore holds a throw-away key in a folder of its own. */
export const KEYSTORE_PASSWORD = 'millrace';

export const SCRAM_MECHANISMS = ['SCRAM-SHA-256', 'SCRAM-SHA-512'] as const;

/**
 * server.properties of one combined KRaft node (broker and controller).
 *
 * Three listeners: CLIENT with the security asked for; INTERNAL in plain text for the other nodes and
 * for Kafka's own tools, which so need no credentials; CONTROLLER. The rest are defaults for tests:
 * quick groups and transactions, few partitions for the internal topics, nothing deleted for its age
 * (event times may lie years back), no topic by accident.
 */
export function serverProperties(
  plan: BrokerPlan,
  node: NodeAddress,
  all: readonly NodeAddress[],
  files: NodeFiles,
): string {
  const voters = all.map(
    ({ id, peerHost, controllerPort }) => `${id}@${peerHost}:${controllerPort}`,
  );
  const { bind, clientHost, clientPort, peerHost, internalPort, controllerPort } = node;
  const replicas = String(all.length);
  const inSync = String(Math.max(1, all.length - 1));
  const properties: Record<string, string> = {
    'process.roles': 'broker,controller',
    'node.id': String(node.id),
    'controller.quorum.voters': voters.join(','),
    listeners: `CLIENT://${bind}:${clientPort},INTERNAL://${bind}:${internalPort},CONTROLLER://${bind}:${controllerPort}`,
    'advertised.listeners': `CLIENT://${clientHost}:${clientPort},INTERNAL://${peerHost}:${internalPort}`,
    'listener.security.protocol.map': `CLIENT:${plan.listeners},INTERNAL:PLAINTEXT,CONTROLLER:PLAINTEXT`,
    'inter.broker.listener.name': 'INTERNAL',
    'controller.listener.names': 'CONTROLLER',
    'log.dirs': files.dataFolder,

    'default.replication.factor': replicas,
    'min.insync.replicas': inSync,
    'offsets.topic.replication.factor': replicas,
    'offsets.topic.num.partitions': '4',
    'transaction.state.log.replication.factor': replicas,
    'transaction.state.log.min.isr': inSync,
    'transaction.state.log.num.partitions': '4',
    'share.coordinator.state.topic.replication.factor': replicas,
    'share.coordinator.state.topic.min.isr': inSync,
    'share.coordinator.state.topic.num.partitions': '1',
    'auto.create.topics.enable': 'false',

    'group.initial.rebalance.delay.ms': '0',
    'group.min.session.timeout.ms': '1000',
    'transaction.abort.timed.out.transaction.cleanup.interval.ms': '500',
    // Event times of tests and examples lie far back: half a minute after its start the broker would delete them.
    'log.retention.ms': '-1',
    'log.retention.check.interval.ms': '86400000',
    'log.segment.delete.delay.ms': '1000',

    // A killed node is let in again only when the session of its predecessor has ended: 9 s by default.
    'broker.heartbeat.interval.ms': '500',
    'broker.session.timeout.ms': '3000',

    // Sized for the heap of JVM_OPTIONS and for a machine that also runs the application.
    'log.cleaner.dedupe.buffer.size': '16777216',
    'num.network.threads': '2',
    'num.io.threads': '4',
    ...security(plan, files),
    ...plan.properties,
  };
  return Object.entries(properties)
    .map(([name, value]) => `${name}=${value.replaceAll('\\', '\\\\').replaceAll('\n', '\\n')}\n`)
    .join('');
}

function security(
  { listeners, users }: BrokerPlan,
  { keystore }: NodeFiles,
): Record<string, string> {
  if (listeners === 'PLAINTEXT') return {};
  const entries = [...users].map(([name, password]) => ` user_${name}="${password}"`);
  const scram = 'org.apache.kafka.common.security.scram.ScramLoginModule required;';
  return {
    'sasl.enabled.mechanisms': ['PLAIN', ...SCRAM_MECHANISMS].join(','),
    'listener.name.client.plain.sasl.jaas.config': `org.apache.kafka.common.security.plain.PlainLoginModule required${entries.join('')};`,
    ...Object.fromEntries(
      SCRAM_MECHANISMS.map((name) => [
        `listener.name.client.${name.toLowerCase()}.sasl.jaas.config`,
        scram,
      ]),
    ),
    ...(listeners === 'SASL_SSL'
      ? {
          'listener.name.client.ssl.keystore.type': 'PKCS12',
          'listener.name.client.ssl.keystore.location': keystore,
          'listener.name.client.ssl.keystore.password': KEYSTORE_PASSWORD,
          'listener.name.client.ssl.key.password': KEYSTORE_PASSWORD,
        }
      : {}),
  };
}

/** Arguments of `kafka-storage format` for one node: SCRAM users and feature levels are made here or never. */
export function formatArguments(
  plan: BrokerPlan,
  clusterId: string,
  propertiesFile: string,
): string[] {
  const { transactionVersion, users } = plan;
  const scram = [...users].flatMap(([name, password]) =>
    SCRAM_MECHANISMS.flatMap((mechanism) => [
      '--add-scram',
      `${mechanism}=[name=${name},password=${password}]`,
    ]),
  );
  const feature =
    transactionVersion === undefined
      ? []
      : ['--feature', `transaction.version=${transactionVersion}`];
  return [
    'format',
    '-t',
    clusterId,
    '-c',
    propertiesFile,
    '--ignore-formatted',
    ...feature,
    ...scram,
  ];
}

/** Sixteen random bytes, as Kafka writes them. */
export function newClusterId(): string {
  const id = randomBytes(16).toString('base64url');
  return id.startsWith('-') ? newClusterId() : id; // kafka-storage would take it for an option
}
