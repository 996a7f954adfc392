import type { Clock } from '../common/clock.ts';
import { isStreamsError, StreamsError, type ErrorCode } from '../common/errors.ts';
import { defaultPartition } from '../common/murmur2.ts';
import type { StreamRecord } from '../common/record.ts';
import type { Logger } from '../observability/logger.ts';
import type { ErrorHandler, ErrorHandlerContext } from '../processor/error-handlers.ts';
import { askHandler } from './ask-handler.ts';
import type { CurrentRecord } from './current-record.ts';
import { deadLetter, shortened, type DeadLetter } from './dead-letter.ts';
import type { DroppedRecords } from './dropped-records.ts';
import type { OutputTopic } from './output-topic.ts';
import { messageOf } from './message-of.ts';
import type { RecordSink } from './record-sink.ts';

export interface RecordCollectorOptions {
  readonly current: CurrentRecord;
  readonly sink: RecordSink;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly dropped: DroppedRecords;
  readonly productionExceptionHandler: ErrorHandler;
  /** Sends a dead letter, now or once its topic is known. */
  readonly deadLetter: (topic: string, context: ErrorHandlerContext, error: StreamsError) => void;
}

/**
 * Brings the output records of one task to the sink: serializes, chooses partitions, and refuses here what the broker
 * would refuse later, when nobody knows any more which record it came from.
 *
 * What cannot be sent goes to the production handler: `'continue'` and dead letters drop that output record only, and the
 * record that led to it goes on; `'fail'` stops the task, and so does `'retry'`, since trying again would not help.
 *
 * Errors: `STREAMS_SERIALIZATION`, `STREAMS_INVALID_TIMESTAMP`, `STREAMS_RECORD_TOO_LARGE` after `'fail'`;
 * `STREAMS_PROCESSING` for a partitioner that throws or names a partition that does not exist.
 * Source: `org.apache.kafka.streams.processor.internals.RecordCollectorImpl`.
 */
export class RecordCollector {
  readonly #options: RecordCollectorOptions;
  readonly #sink: RecordSink;

  constructor(options: RecordCollectorOptions) {
    this.#options = options;
    this.#sink = options.sink;
  }

  /** False where the topic is not known yet: `RecordSink.prepareTopics` first. */
  send(output: OutputTopic, record: StreamRecord<unknown, unknown>): boolean {
    this.#options.current.requireAlive();
    const partitionCount = this.#sink.partitionCount(output.topic);
    if (partitionCount === undefined) return false;
    const { timestampMs } = record;
    if (!(timestampMs >= 0 && timestampMs <= output.latestTimestampMs)) {
      const problem = this.#timestampProblem(output, timestampMs);
      if (problem !== null) {
        this.#refuse(output, 'STREAMS_INVALID_TIMESTAMP', problem);
        return true;
      }
    }
    if (output.keySite.headers !== record.headers) output.headers = record.headers;
    let key: Uint8Array | null = null;
    let value: Uint8Array | null = null;
    let isKey = true;
    try {
      if (record.key !== null) key = output.keyBytes(record.key);
      isKey = false;
      if (record.value !== null) value = output.valueBytes(record.value);
    } catch (cause) {
      const part = isKey ? 'key' : 'value';
      const message =
        `the ${part} cannot be serialized: ${messageOf(cause)}. Check that the serde of this sink is that of the ${part}s ` +
        'that reach it';
      this.#refuse(output, 'STREAMS_SERIALIZATION', message, cause);
      return true;
    }
    if (output.partitioner === null) {
      const partition = this.#defaultPartition(output, key, value, partitionCount);
      this.#append(output, partition, key, value, record);
    } else {
      this.#sendPartitioned(output, key, value, record, partitionCount);
    }
    return true;
  }

  /** Appends to a dead-letter topic, which is known. It may have been looked up for so long that the task is gone. */
  sendDeadLetter(topic: string, context: ErrorHandlerContext, error: StreamsError): void {
    this.#options.current.requireAlive();
    const letter = deadLetter(context, error);
    try {
      this.#appendLetter(topic, letter);
    } catch (refused) {
      if (!isStreamsError(refused, 'STREAMS_RECORD_TOO_LARGE')) throw refused;
      this.#appendLetter(topic, shortened(letter));
    }
  }

  #appendLetter(topic: string, letter: DeadLetter): void {
    const { key, value, headers } = letter;
    const count = this.#sink.partitionCount(topic) ?? 1;
    const partition = key === null ? 0 : defaultPartition(key, count);
    // A negative time may be why the record failed; a topic does not take it.
    const timestampMs = letter.timestampMs < 0 ? this.#options.clock.nowMs() : letter.timestampMs;
    this.#sink.append(topic, partition, key, value, timestampMs, headers);
  }

  #defaultPartition(
    output: OutputTopic,
    key: Uint8Array | null,
    value: Uint8Array | null,
    partitionCount: number,
  ): number {
    if (key !== null) return defaultPartition(key, partitionCount);
    return output.stickyPartition(partitionCount, value === null ? 0 : value.length);
  }

  #sendPartitioned(
    output: OutputTopic,
    key: Uint8Array | null,
    value: Uint8Array | null,
    record: StreamRecord<unknown, unknown>,
    partitionCount: number,
  ): void {
    const { topic, node } = output;
    const chosen = output.partitioner?.(
      topic,
      record.key,
      record.value,
      partitionCount,
      record.headers,
    );
    const partitions =
      chosen === undefined
        ? [this.#defaultPartition(output, key, value, partitionCount)]
        : typeof chosen === 'number'
          ? [chosen]
          : chosen;
    if (partitions.length === 0) {
      this.#options.dropped.count('no-partition', () => this.#options.current.site(node));
    }
    for (const partition of partitions) {
      if (!Number.isInteger(partition) || partition < 0 || partition >= partitionCount) {
        throw new StreamsError(
          'STREAMS_PROCESSING',
          `the partitioner chose partition ${String(partition)} of '${topic}', which has ${partitionCount}: it must return ` +
            'a number from 0 below that, a list of them, or undefined for the default',
          { site: this.#options.current.site(node) },
        );
      }
      this.#append(output, partition, key, value, record);
    }
  }

  #append(
    output: OutputTopic,
    partition: number,
    key: Uint8Array | null,
    value: Uint8Array | null,
    { timestampMs, headers }: StreamRecord<unknown, unknown>,
  ): void {
    try {
      this.#sink.append(output.topic, partition, key, value, timestampMs, headers);
    } catch (error) {
      if (!isStreamsError(error, 'STREAMS_RECORD_TOO_LARGE')) throw error;
      this.#refuse(output, error.code, 'the record is larger than a request may be', error);
      return;
    }
    output.count((key === null ? 0 : key.length) + (value === null ? 0 : value.length));
  }

  /** Null where the timestamp is fine; then later ones are compared with one number. */
  #timestampProblem(output: OutputTopic, timestampMs: number): string | null {
    if (!(Number.isSafeInteger(timestampMs) && timestampMs >= 0)) {
      return `the timestamp ${String(timestampMs)} is not a time: it must be whole milliseconds since the epoch`;
    }
    const limitMs = this.#sink.timestampLimitMs?.(output.topic) ?? Infinity;
    output.latestTimestampMs = this.#options.clock.nowMs() + limitMs;
    if (timestampMs <= output.latestTimestampMs) return null;
    return (
      `the timestamp ${timestampMs} is later than now by more than the topic takes, ${limitMs} ms. Check the event times ` +
      'of the input, or raise message.timestamp.after.max.ms of the topic'
    );
  }

  #refuse(output: OutputTopic, code: ErrorCode, message: string, cause?: unknown): void {
    const { current, logger, dropped, productionExceptionHandler } = this.#options;
    const site = { ...current.site(output.node), topic: output.topic };
    const error = new StreamsError(code, message, { site, cause });
    const asked = {
      option: 'productionExceptionHandler',
      handler: productionExceptionHandler,
    } as const;
    const context = current.handlerContext(output.node);
    const response = askHandler(asked, context, error, logger);
    if (response === 'fail' || response === 'retry') {
      current.fatal = error;
      throw error;
    }
    dropped.count('production', () => ({ ...site, cause: error.message }));
    if (response !== 'continue') this.#options.deadLetter(response.deadLetter, context, error);
  }
}
