import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { nodeCodecs } from './adapters/compression/node-codecs.ts';
import { loadCrc32c } from './adapters/crc/load-crc32c.ts';
import { KafkaJsTransport, type KafkaJsTransportOptions } from './adapters/kafkajs/transport.ts';
import type { LevelStateDirectoryOptions } from './adapters/level/level-state-directory.ts';
import { systemClock, systemRandom, systemTimers } from './adapters/node/clock.ts';
import { StreamsError } from './common/errors.ts';
import { NO_FAILPOINTS } from './common/failpoints.ts';
import type { Metrics, MetricTags } from './observability/metrics.ts';
import type { InstancePorts } from './runtime/instance-context.ts';
import type { StreamsConfig, StreamsOptions } from './runtime/streams-config.ts';
import { MemoryStateDirectory } from './state/memory-state-directory.ts';
import type { StateDirectory } from './state/state-directory.ts';
import {
  COMPRESSION_NAMES,
  type CompressionCodecs,
  type CompressionName,
} from './wire/compression.ts';
import { RecordCursor } from './wire/record-cursor.ts';

/** Options of the streams application, and of its connections. */
export type KafkaStreamsOptions = StreamsOptions & {
  /** As in kafkajs: true, or options of `tls.connect`. */
  readonly ssl?: KafkaJsTransportOptions['ssl'];
  /** As in kafkajs: mechanism and credentials. */
  readonly sasl?: KafkaJsTransportOptions['sasl'];
  /** Codecs beyond gzip (and zstd where Node has it), for `compressionType` and for what is read. */
  readonly codecs?: CompressionCodecs;
  /** When it aborts, the instance is closed. */
  readonly signal?: AbortSignal;
};

export type ConnectionOptions = Pick<KafkaStreamsOptions, 'ssl' | 'sasl' | 'codecs'>;

/** The options by who reads them. */
export interface SplitOptions {
  readonly streams: StreamsOptions;
  readonly connection: ConnectionOptions;
  readonly signal: AbortSignal | undefined;
}

export function splitOptions(options: KafkaStreamsOptions): SplitOptions {
  const { ssl, sasl, codecs, signal, ...streams } = options;
  const connection = { ssl, sasl, ...(codecs === undefined ? {} : { codecs }) };
  return { streams, connection, signal };
}

/**
 * The adapters that an instance runs with.
 *
 * Errors: `STREAMS_CONFIG` for a compression that Kafka does not have, `STREAMS_CODEC_MISSING` for one without a codec.
 */
export function instancePorts(
  config: StreamsConfig,
  { ssl, sasl, codecs = nodeCodecs() }: ConnectionOptions,
  openFolder: () => Promise<StateDirectory>,
): InstancePorts {
  const { connectTimeoutMs, fetchMaxBytes } = config;
  return {
    transport: new KafkaJsTransport({ clientId: clientIdOf(config), ssl, sasl, connectTimeoutMs }),
    openFolder,
    memory: new MemoryStateDirectory(systemRandom.uuid()),
    loadCrc32c,
    codecs,
    compression: compressionOf(config, codecs),
    createCursor: (site) => new RecordCursor({ codecs, maxDecompressedBytes: fetchMaxBytes, site }),
    clock: systemClock,
    timers: systemTimers,
    random: systemRandom,
    failpoints: NO_FAILPOINTS,
  };
}

export function folderOptions(config: StreamsConfig, metrics: Metrics): LevelStateDirectoryOptions {
  return {
    stateDir: config.stateDir ?? join(tmpdir(), 'millrace'),
    applicationId: config.applicationId,
    levelMemoryMaxBytes: config.levelMemoryMaxBytes,
    levelMaxOpenFiles: config.levelMaxOpenFiles,
    random: systemRandom,
    logger: config.logger,
    metrics,
    failpoints: NO_FAILPOINTS,
  };
}

/** Of the series of one thread, numbered from 1. */
export function threadTags(config: StreamsConfig, threadIndex: number): MetricTags {
  const clientId = clientIdOf(config);
  return { 'client-id': clientId, 'thread-id': `${clientId}-StreamThread-${threadIndex}` };
}

function clientIdOf({ clientId, applicationId }: StreamsConfig): string {
  return clientId === '' ? applicationId : clientId;
}

function compressionOf(
  { compressionType }: StreamsConfig,
  codecs: CompressionCodecs,
): CompressionName {
  const name = COMPRESSION_NAMES.find((known) => known === compressionType);
  const site = { option: 'compressionType' };
  if (name === undefined) {
    throw new StreamsError(
      'STREAMS_CONFIG',
      `compressionType: '${compressionType}' is none of ${COMPRESSION_NAMES.join(', ')}`,
      { site },
    );
  }
  if (name !== 'none') codecs.get(name, site);
  return name;
}
