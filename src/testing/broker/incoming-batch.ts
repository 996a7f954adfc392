import { readInt32, writeInt32, writeInt64 } from '../../common/bytes.ts';
import { isStreamsError } from '../../common/errors.ts';
import { KAFKA_ERRORS as ERROR } from '../../wire/error-codes.ts';
import {
  ATTRIBUTES_AT,
  CRC_AT,
  LAST_OFFSET_DELTA_AT,
  LOG_APPEND_TIME,
  MAX_TIMESTAMP_AT,
  readRecordBatch,
  RecordBatch,
} from '../../wire/record-batch.ts';
import { RecordCursor } from '../../wire/record-cursor.ts';
import type { AppendResult } from './partition-log.ts';
import type { BrokerEnvironment } from './broker-environment.ts';
import type { TopicConfig } from './topic-config.ts';

type Prepared =
  | { readonly batch: RecordBatch }
  | { readonly errorCode: number; readonly recordErrors: AppendResult['recordErrors'] };

const MAX_BATCH_BYTES = 256 << 20;

/**
 * Checks what a client has sent to one partition, and copies it: the request's buffer is not the broker's to keep.
 *
 *     not exactly one batch, a control batch                     INVALID_RECORD
 *     a wrong checksum                                           CORRUPT_MESSAGE
 *     larger than max.message.bytes                              MESSAGE_TOO_LARGE
 *     a record without a key for a compacted topic               INVALID_RECORD, with the record
 *     a time beyond message.timestamp.after.max.ms from now      INVALID_TIMESTAMP, with the record
 *
 * Any of these refuses the whole batch and uses up no sequence. Source: `LogValidator` of Kafka.
 */
export function prepareBatch(
  records: Uint8Array,
  config: TopicConfig,
  nowMs: number,
  { crc32c, codecs }: BrokerEnvironment,
): Prepared {
  const copy = records.slice();
  let batch: RecordBatch | null;
  try {
    batch = readRecordBatch(copy, 0, { crc32c, site: {} });
  } catch (error) {
    if (!isStreamsError(error, 'STREAMS_CORRUPT_MESSAGE')) throw error;
    return refuse(ERROR.CORRUPT_MESSAGE);
  }
  if (batch?.end !== copy.length || batch.isControl || !hasAllOffsets(batch)) {
    return refuse(ERROR.INVALID_RECORD);
  }
  if (batch.sizeBytes > config.number('max.message.bytes')) return refuse(ERROR.MESSAGE_TOO_LARGE);
  const cursor = new RecordCursor({ codecs, maxDecompressedBytes: MAX_BATCH_BYTES, site: {} });
  const isAppendTime = config.get('message.timestamp.type') === 'LogAppendTime';
  const needsKeys = config.get('cleanup.policy').split(',').includes('compact');
  if (needsKeys) {
    const keyless = indexesWhere(batch, cursor, () => cursor.keyStart < 0);
    if (keyless.length > 0) return refuse(ERROR.INVALID_RECORD, keyless, 'no key');
  }
  const latestMs = nowMs + config.number('message.timestamp.after.max.ms');
  if (!isAppendTime && batch.maxTimestampMs > latestMs) {
    const future = indexesWhere(batch, cursor, () => cursor.timestampMs > latestMs);
    return refuse(ERROR.INVALID_TIMESTAMP, future, 'a time too far in the future');
  }
  return { batch: isAppendTime ? stampBatch(batch, nowMs, crc32c) : batch };
}

/** Every record of a producer's batch takes one offset. */
function hasAllOffsets({ bytes, recordCount }: RecordBatch): boolean {
  return recordCount > 0 && recordCount === readInt32(bytes, LAST_OFFSET_DELTA_AT) + 1;
}

function indexesWhere(batch: RecordBatch, cursor: RecordCursor, test: () => boolean): number[] {
  const indexes: number[] = [];
  cursor.open(batch);
  for (let index = 0; cursor.next(); index++) if (test()) indexes.push(index);
  return indexes;
}

function stampBatch(
  { bytes }: RecordBatch,
  nowMs: number,
  crc32c: BrokerEnvironment['crc32c'],
): RecordBatch {
  bytes[ATTRIBUTES_AT + 1] = (bytes[ATTRIBUTES_AT + 1] as number) | LOG_APPEND_TIME;
  writeInt64(bytes, MAX_TIMESTAMP_AT, nowMs);
  writeInt32(bytes, CRC_AT, crc32c(bytes, ATTRIBUTES_AT, bytes.length));
  return new RecordBatch(bytes, 0, bytes.length);
}

function refuse(errorCode: number, indexes: readonly number[] = [], message = ''): Prepared {
  return { errorCode, recordErrors: indexes.map((index) => ({ index, message })) };
}
