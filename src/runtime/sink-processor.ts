import type { Metrics, MetricTags } from '../observability/metrics.ts';
import type { Processor } from '../processor/processor.ts';
import type { TopicNameExtractor } from '../processor/topic-name-extractor.ts';
import { StreamsError } from '../common/errors.ts';
import type { StreamRecord } from '../common/record.ts';
import type { StreamPartitioner } from '../processor/stream-partitioner.ts';
import type { Serde } from '../serde/serde.ts';
import type { CurrentRecord } from './current-record.ts';
import { OutputTopic } from './output-topic.ts';
import type { RecordCollector } from './record-collector.ts';
import type { RecordSink } from './record-sink.ts';

export interface SinkProcessorOptions {
  readonly node: string;
  /** A topic's full name, or how it is found for each record. */
  readonly topic: string | TopicNameExtractor;
  readonly key: Serde<unknown>;
  readonly value: Serde<unknown>;
  readonly partitioner: StreamPartitioner | null;
  readonly current: CurrentRecord;
  readonly collector: RecordCollector;
  readonly sink: RecordSink;
  readonly metrics: Metrics;
  readonly tags: MetricTags;
}

/**
 * Writes what reaches it to a topic. Synchronous, but for the first record to a topic that nobody has named before: the
 * client has to look it up, and records that follow wait in this node's inbox.
 *
 * Errors: `STREAMS_TOPIC_MISSING`; those of the collector.
 */
export class SinkProcessor implements Processor {
  readonly #options: SinkProcessorOptions;
  readonly #outputs = new Map<string, OutputTopic>();
  readonly #fixed: OutputTopic | null;

  constructor(options: SinkProcessorOptions) {
    this.#options = options;
    this.#fixed = typeof options.topic === 'string' ? this.#output(options.topic) : null;
  }

  process(record: StreamRecord<unknown, unknown>): void | Promise<void> {
    const output = this.#fixed ?? this.#output(this.#extractTopic(record));
    if (!this.#options.collector.send(output, record)) return this.#sendLater(output, record);
  }

  async #sendLater(output: OutputTopic, record: StreamRecord<unknown, unknown>): Promise<void> {
    const { sink, collector, current } = this.#options;
    await sink.prepareTopics([output.topic]);
    if (collector.send(output, record)) return;
    throw new StreamsError(
      'STREAMS_TOPIC_MISSING',
      `the topic '${output.topic}' does not exist: create it, since only internal topics are made by the library`,
      { site: { ...current.site(output.node), topic: output.topic } },
    );
  }

  #extractTopic(record: StreamRecord<unknown, unknown>): string {
    const { topic, current, node } = this.#options;
    if (typeof topic === 'string') return topic;
    const { metadata } = current;
    const { timestampMs, headers } = record;
    const name: unknown = topic(record.key, record.value, { metadata, timestampMs, headers });
    if (typeof name === 'string' && name !== '') return name;
    throw new StreamsError(
      'STREAMS_PROCESSING',
      `the topic name extractor returned ${String(name)}: it must return the name of a topic that exists`,
      { site: current.site(node) },
    );
  }

  #output(topic: string): OutputTopic {
    const known = this.#outputs.get(topic);
    if (known !== undefined) return known;
    const { node, key, value, partitioner, metrics, tags } = this.#options;
    const output = new OutputTopic({ topic, node, key, value, partitioner, metrics, tags });
    this.#outputs.set(topic, output);
    return output;
  }
}
