import { loadCrc32c } from '../../src/adapters/crc/load-crc32c.ts';
import {
  KafkaJsTransport,
  type KafkaJsTransportOptions,
} from '../../src/adapters/kafkajs/transport.ts';
import { systemClock, systemRandom, systemTimers } from '../../src/adapters/node/clock.ts';
import { Fetcher, type FetchedPartition, type FetcherOptions } from '../../src/client/fetcher.ts';
import { KafkaClient, type KafkaClientOptions } from '../../src/client/kafka-client.ts';
import { Producer, type ProducerOptions } from '../../src/client/producer.ts';
import type { BrokerAddress } from '../../src/client/transport.ts';
import { SILENT_LOGGER } from '../../src/observability/logger.ts';
import { CompressionCodecs } from '../../src/wire/compression.ts';
import { RecordCursor } from '../../src/wire/record-cursor.ts';
import { sharedBrokers } from './broker.ts';

export const codecs = new CompressionCodecs();

export function parseAddress(address: string): BrokerAddress {
  const [host = '', port = ''] = address.split(':');
  return { host, port: Number(port) };
}

export interface ConnectOptions extends Partial<KafkaClientOptions> {
  readonly bootstrap?: readonly string[];
  readonly kafkajs?: Partial<KafkaJsTransportOptions>;
}

/** A client of the shared broker, or of `bootstrap`, over real sockets and clocks. */
export function connectClient(options: ConnectOptions = {}): Promise<KafkaClient> {
  const { bootstrap = sharedBrokers(), kafkajs = {}, ...rest } = options;
  return KafkaClient.connect({
    transport: new KafkaJsTransport({ clientId: 'test', ...kafkajs }),
    brokers: bootstrap.map(parseAddress),
    clientId: 'test',
    clock: systemClock,
    timers: systemTimers,
    random: systemRandom,
    logger: SILENT_LOGGER,
    ...rest,
  });
}

export async function openProducer(
  options: Pick<ProducerOptions, 'client' | 'transactionalId'> & Partial<ProducerOptions>,
): Promise<Producer> {
  const producer = await Producer.create({ codecs, crc32c: await loadCrc32c(), ...options });
  await producer.initTransactions();
  return producer;
}

export async function openFetcher(
  options: Pick<FetcherOptions, 'client'> & Partial<FetcherOptions>,
): Promise<Fetcher> {
  const crc32c = await loadCrc32c();
  return new Fetcher({ isolation: 'read_committed', lane: 'fetch', codecs, crc32c, ...options });
}

/** Values as `offset:text`, or `offset:null`. */
export function valuesOf(chunk: FetchedPartition): string[] {
  const cursor = new RecordCursor({ codecs, maxDecompressedBytes: 1 << 20, site: {} });
  const values: string[] = [];
  for (const batch of chunk.batches) {
    cursor.open(batch);
    while (cursor.next()) {
      if (cursor.offset < chunk.startOffset) continue;
      const { bytes, valueStart, valueEnd } = cursor;
      const text =
        valueEnd < 0 ? 'null' : Buffer.from(bytes.slice(valueStart, valueEnd)).toString();
      values.push(`${cursor.offset}:${text}`);
    }
  }
  return values;
}

/** Polls until every partition's position has reached an end; the values by partition, `topic-0 → offset:text`. */
export async function readUntil(
  fetcher: Fetcher,
  ends: Readonly<Record<string, number>>,
  topic: string,
): Promise<Record<string, string[]>> {
  const read: Record<string, string[]> = {};
  const isThere = (): boolean =>
    Object.entries(ends).every(
      ([partition, end]) => (fetcher.position(topic, Number(partition)) ?? -1) >= end,
    );
  const endMs = performance.now() + 20_000;
  while (!isThere()) {
    if (performance.now() > endMs) throw new Error('the positions were not reached within 20 s');
    for (const chunk of await fetcher.poll(500)) {
      (read[String(chunk.partition)] ??= []).push(...valuesOf(chunk));
    }
  }
  return read;
}

export const bytesOf = (text: string): Uint8Array => Buffer.from(text);
