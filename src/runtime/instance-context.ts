import type { Admin } from '../client/admin.ts';
import type { FetcherOptions } from '../client/fetcher.ts';
import type { KafkaClient, KafkaClientOptions } from '../client/kafka-client.ts';
import type { ProducerOptions } from '../client/producer.ts';
import type { Transport } from '../client/transport.ts';
import type { Clock, Random, Timers } from '../common/clock.ts';
import type { Failpoints } from '../common/failpoints.ts';
import type { TopicPartition } from '../common/topic-partition.ts';
import type { Metrics, MetricTags } from '../observability/metrics.ts';
import type { StateDirectory } from '../state/state-directory.ts';
import type { TopologyPlan } from '../topology/topology-plan.ts';
import type { RecordCursor } from './record-chunk.ts';
import type { RestoreListener } from './restore-listener.ts';
import type { StreamsConfig } from './streams-config.ts';
import type { TopicNames } from './task-topology.ts';

/** What an instance needs from outside; the composition root picks the adapters. */
export interface InstancePorts {
  readonly transport: Transport;
  /** Locks the state folder. */
  readonly openFolder: () => Promise<StateDirectory>;
  /** For tasks that keep nothing on disk. */
  readonly memory: StateDirectory;
  readonly loadCrc32c: () => Promise<FetcherOptions['crc32c']>;
  readonly codecs: FetcherOptions['codecs'];
  readonly compression: NonNullable<ProducerOptions['compression']>;
  readonly createCursor: (partition: TopicPartition) => RecordCursor;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly random: Random;
  readonly failpoints: Failpoints;
}

/** What the parts of one started instance share. */
export interface InstanceContext {
  readonly plan: TopologyPlan;
  readonly topologyFingerprint: string;
  readonly config: StreamsConfig;
  readonly names: TopicNames;
  readonly ports: InstancePorts;
  readonly client: KafkaClient;
  readonly admin: Admin;
  readonly folder: StateDirectory;
  readonly crc32c: FetcherOptions['crc32c'];
  readonly metrics: Metrics;
  readonly tags: MetricTags;
  /** From 1, as Kafka Streams counts threads; group instance ids and transactional ids end in it. */
  readonly threadIndex: number;
  readonly restoreListener: RestoreListener;
}

export function isExactlyOnce({ processingGuarantee }: StreamsConfig): boolean {
  return processingGuarantee === 'exactly_once_v2';
}

export function clientOptions(
  config: StreamsConfig,
  { transport, clock, timers, random, failpoints }: InstancePorts,
): KafkaClientOptions {
  return {
    transport,
    brokers: config.brokers.map((address) => {
      const colon = address.lastIndexOf(':');
      return { host: address.slice(0, colon), port: Number(address.slice(colon + 1)) };
    }),
    clientId: config.clientId === '' ? config.applicationId : config.clientId,
    clock,
    timers,
    random,
    failpoints,
    logger: config.logger,
    requestTimeoutMs: config.requestTimeoutMs,
    connectTimeoutMs: config.connectTimeoutMs,
    bootstrapTimeoutMs: config.requestTimeoutMs,
    retryBackoffMs: config.retryBackoffMs,
    retryBackoffMaxMs: config.retryBackoffMaxMs,
    metadataMaxAgeMs: config.metadataMaxAgeMs,
  };
}

/** How records are read under this guarantee: an application that commits in transactions believes in those of others. */
export function fetcherOptions(
  { client, crc32c, config, ports }: InstanceContext,
  lane: FetcherOptions['lane'],
): FetcherOptions {
  return {
    client,
    isolation: isExactlyOnce(config) || lane === 'restore' ? 'read_committed' : 'read_uncommitted',
    lane,
    crc32c,
    codecs: ports.codecs,
    maxWaitMs: config.fetchMaxWaitMs,
    minBytes: config.fetchMinBytes,
    maxBytes: config.fetchMaxBytes,
    maxPartitionBytes: config.maxPartitionFetchBytes,
    prefetchBytes: config.fetchBufferBytes,
  };
}
