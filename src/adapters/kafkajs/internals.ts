import { Kafka, logLevel, type ISocketFactory, type KafkaConfig } from 'kafkajs';
import { StreamsError } from '../../common/errors.ts';

/** What we use of kafkajs' request queue: only to silence its timer, and to hand it the answers to its own requests. */
export interface KafkaJsRequestQueue {
  readonly pending: readonly unknown[];
  scheduleCheckPendingRequests(): void;
  fulfillRequest(answer: { correlationId: number; payload: Buffer; size: number }): void;
}

export interface KafkaJsConnection {
  /** Called once by `connect`; what it returns is the socket. */
  socketFactory: ISocketFactory;
  readonly requestQueue: KafkaJsRequestQueue;
  /** Set while a SASL exchange without frames of its own (brokers before 1.0) waits for bytes. */
  readonly authHandlers: unknown;
  processData(chunk: Buffer): void;
  nextCorrelationId(): number;
  isAuthenticated(): boolean;
  authenticate(): Promise<void>;
}

export interface KafkaJsBroker {
  connect(): Promise<void>;
}

export interface KafkaJsPool {
  readonly pool: readonly KafkaJsConnection[];
}

export interface KafkaJsCluster {
  readonly connectionPoolBuilder: {
    build(address: { host: string; port: number }): Promise<KafkaJsPool>;
  };
  readonly brokerPool: {
    createBroker(options: {
      connectionPool: KafkaJsPool;
      logger: unknown;
      nodeId: number;
    }): KafkaJsBroker;
  };
  readonly rootLogger: unknown;
}

export interface KafkaJsConfig {
  readonly clientId: string;
  readonly connectionTimeout: number;
  readonly authenticationTimeout: number;
  readonly reauthenticationThreshold: number;
  readonly ssl: KafkaConfig['ssl'];
  readonly sasl: KafkaConfig['sasl'];
  readonly socketFactory: ISocketFactory;
}

/**
 * kafkajs' cluster object: the way to its sockets, TLS and SASL without its consumer or producer.
 *
 * Nothing public gives it, but a partition assigner gets it at the construction of a consumer, which opens no
 * connection. Its metadata is never loaded: with no topics it asks for all of them and throws as soon as any
 * partition anywhere has no leader.
 */
export function captureCluster(config: KafkaJsConfig): KafkaJsCluster {
  const { ssl, sasl, ...rest } = config;
  const kafka = new Kafka({
    ...rest,
    ...(ssl === undefined ? {} : { ssl }),
    // A copy: kafkajs writes into it.
    ...(sasl === undefined ? {} : { sasl: { ...sasl } }),
    brokers: ['unused:9092'],
    logLevel: logLevel.NOTHING,
    // The timeouts are ours; kafkajs' own check is a timer for each connection.
    enforceRequestTimeout: false,
    retry: { retries: 0 },
  });
  let captured: unknown;
  kafka.consumer({
    groupId: 'millrace',
    allowAutoTopicCreation: false,
    partitionAssigners: [
      ({ cluster }) => {
        captured = cluster;
        return {
          name: 'none',
          version: 0,
          protocol: () => ({ name: 'none', metadata: Buffer.alloc(0) }),
          assign: () => Promise.resolve([]),
        };
      },
    ],
  });
  assertShape(captured, 'cluster', { rootLogger: 'object' });
  const { connectionPoolBuilder, brokerPool } = captured as Record<string, unknown>;
  assertShape(connectionPoolBuilder, 'cluster.connectionPoolBuilder', { build: 'function' });
  assertShape(brokerPool, 'cluster.brokerPool', { createBroker: 'function' });
  // The shape was checked above; kafkajs' types do not have it.
  return captured as KafkaJsCluster;
}

/** The one connection of a pool that we use; the second is never opened. */
export function connectionOf(pool: KafkaJsPool): KafkaJsConnection {
  const [connection] = pool.pool;
  assertShape(connection, 'connection', {
    socketFactory: 'function',
    processData: 'function',
    nextCorrelationId: 'function',
    isAuthenticated: 'function',
    authenticate: 'function',
  });
  assertShape(connection.requestQueue, 'connection.requestQueue', {
    scheduleCheckPendingRequests: 'function',
    fulfillRequest: 'function',
    pending: 'object',
  });
  return connection;
}

function assertShape(
  value: unknown,
  what: string,
  members: Readonly<Record<string, 'object' | 'function'>>,
): asserts value is object {
  for (const [name, type] of Object.entries(members)) {
    const member = (value as Record<string, unknown> | null | undefined)?.[name];
    if (typeof member === type && member !== null) continue;
    throw new StreamsError(
      'STREAMS_CONFIG',
      `kafkajs is not the version that this transport was made for: ${what}.${name} is no ${type}. ` +
        'Install kafkajs 2.2.4, the version that millrace pins',
    );
  }
}
