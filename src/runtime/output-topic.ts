import { NO_HEADERS, type Headers } from '../common/record.ts';
import type { Counter, Metrics, MetricTags } from '../observability/metrics.ts';
import type { StreamPartitioner } from '../processor/stream-partitioner.ts';
import { writesBytes } from '../serde/bytes-serde.ts';
import type { Serde, SerdeSite } from '../serde/serde.ts';

/** As many bytes of records without a key go to one partition before the next has its turn, as in Java's producer. */
const STICKY_BYTES = 16 * 1024;

/** One object for all records of a sink: their headers are mostly the same, none. */
class OutputSite implements SerdeSite {
  readonly topic: string;
  readonly isKey: boolean;
  headers: Headers = NO_HEADERS;

  constructor(topic: string, isKey: boolean) {
    this.topic = topic;
    this.isKey = isKey;
  }
}

export interface OutputTopicOptions {
  readonly topic: string;
  /** Name of the sink node. */
  readonly node: string;
  readonly key: Serde<unknown>;
  readonly value: Serde<unknown>;
  readonly partitioner: StreamPartitioner | null;
  readonly metrics: Metrics;
  readonly tags: MetricTags;
}

/** One topic of one sink: what is looked up once for all records that go there. */
export class OutputTopic {
  readonly topic: string;
  readonly node: string;
  readonly key: Serde<unknown>;
  readonly value: Serde<unknown>;
  readonly partitioner: StreamPartitioner | null;
  readonly keySite: OutputSite;
  readonly valueSite: OutputSite;
  /** Beyond this timestamp the topic refuses records, as of the last look at the clock; Infinity where it has no limit. */
  latestTimestampMs = -1;
  readonly #lendsKey: boolean;
  readonly #lendsValue: boolean;
  readonly #producedRecords: Counter;
  readonly #producedBytes: Counter;
  #stickyPartition = 0;
  #stickyBytesLeft = STICKY_BYTES;

  constructor({ topic, node, key, value, partitioner, metrics, tags }: OutputTopicOptions) {
    this.topic = topic;
    this.node = node;
    this.key = key;
    this.value = value;
    this.partitioner = partitioner;
    this.keySite = new OutputSite(topic, true);
    this.valueSite = new OutputSite(topic, false);
    // Bytes are copied into the batch before other code of the user runs, unless that is a partitioner.
    this.#lendsKey = partitioner === null && writesBytes(key);
    this.#lendsValue = partitioner === null && writesBytes(value);
    const nodeTags = { ...tags, 'processor-node-id': node, 'topic-name': topic };
    this.#producedRecords = metrics.counter('records-produced-total', nodeTags);
    this.#producedBytes = metrics.counter('bytes-produced-total', nodeTags);
  }

  set headers(headers: Headers) {
    this.keySite.headers = headers;
    this.valueSite.headers = headers;
  }

  /** To be copied at once: where the key is bytes, they are its own. Errors: those of the serde. */
  keyBytes(key: unknown): Uint8Array {
    const isLent = this.#lendsKey && key instanceof Uint8Array;
    return isLent ? key : this.key.serialize(key, this.keySite);
  }

  /** As `keyBytes`. */
  valueBytes(value: unknown): Uint8Array {
    const isLent = this.#lendsValue && value instanceof Uint8Array;
    return isLent ? value : this.value.serialize(value, this.valueSite);
  }

  count(bytes: number): void {
    this.#producedRecords.add(1);
    this.#producedBytes.add(bytes);
  }

  /** Where a record without a key goes: any partition is as good, but few of them at a time make full batches. */
  stickyPartition(partitionCount: number, bytes: number): number {
    this.#stickyBytesLeft -= bytes;
    if (this.#stickyBytesLeft < 0) {
      this.#stickyBytesLeft = STICKY_BYTES;
      this.#stickyPartition++;
    }
    return this.#stickyPartition % partitionCount;
  }
}
