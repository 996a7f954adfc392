import { StreamsError, type ErrorSite } from '../common/errors.ts';
import { NO_HEADERS, type Headers, type StreamRecord } from '../common/record.ts';
import type { ErrorHandlerContext } from '../processor/error-handlers.ts';
import type { RecordMetadata } from '../processor/record-metadata.ts';
import type { RecordQueue } from './record-queue.ts';

/**
 * What a task is working on: the record that its innermost running node got, and where the record that began it was
 * read. One object a task, shared by its nodes, contexts, stores and collector; `ProcessorNode` moves it.
 *
 * Source: `ProcessorRecordContext`, of which Kafka Streams makes one for each record.
 */
export class CurrentRecord {
  readonly taskId: string;
  /** Null between records. In a punctuator a record without key and value, of the punctuator's time. */
  record: StreamRecord<unknown, unknown> | null = null;
  /** Null in a punctuator, and while caches are flushed. */
  queue: RecordQueue | null = null;
  /** What a handler said must stop the task. Kept here, so that user code which catches it changes nothing. */
  fatal: StreamsError | null = null;
  /** The task has been discarded: what its async processors still do must reach neither stores nor topics. */
  isAbandoned = false;

  constructor(taskId: string) {
    this.taskId = taskId;
  }

  /** 0 outside of processing, as Kafka Streams' test driver has it. */
  get timestampMs(): number {
    return this.record === null ? 0 : this.record.timestampMs;
  }

  get headers(): Headers {
    return this.record === null ? NO_HEADERS : this.record.headers;
  }

  get metadata(): RecordMetadata | null {
    if (this.queue === null) return null;
    const { topic, partition, offset } = this.queue;
    return { topic, partition, offset };
  }

  /** Errors: `STREAMS_STOPPED` once abandoned. */
  requireAlive(): void {
    if (!this.isAbandoned) return;
    throw new StreamsError(
      'STREAMS_STOPPED',
      'the task was closed or taken back while this processor was at work; the record is processed again',
      { site: { taskId: this.taskId } },
    );
  }

  site(node?: string): ErrorSite {
    const named = node === undefined ? {} : { node };
    return { taskId: this.taskId, ...named, ...this.metadata };
  }

  /** What an error handler is told. The record's own bytes, headers and time, whatever operators have made of it. */
  handlerContext(node: string): ErrorHandlerContext {
    const { taskId, queue } = this;
    if (queue !== null) return sourceContext(taskId, node, queue);
    const { timestampMs, headers } = this;
    const nowhere = { topic: null, partition: -1, offset: -1, rawKey: null, rawValue: null };
    return { taskId, node, timestampMs, headers, ...nowhere };
  }
}

/** As `handlerContext`, for the record that a queue is on. */
export function sourceContext(
  taskId: string,
  node: string,
  queue: RecordQueue,
): ErrorHandlerContext {
  const { topic, partition, offset } = queue;
  return {
    taskId,
    node,
    topic,
    partition,
    offset,
    timestampMs: queue.rawTimestampMs,
    headers: queue.headers(),
    rawKey: queue.rawKey(),
    rawValue: queue.rawValue(),
  };
}
