import { writeInt32 } from '../common/bytes.ts';
import type { ControlType } from './control-record.ts';
import type { Crc32c } from './crc32c.ts';
import { ATTRIBUTES_AT, CONTROL, CRC_AT } from './record-batch.ts';
import { RecordBatchWriter } from './record-batch-writer.ts';

/** How a transaction of one producer ended, as the coordinator tells each of its partitions. */
export interface TransactionMarker {
  readonly type: ControlType;
  readonly producerId: number;
  readonly producerEpoch: number;
  readonly coordinatorEpoch: number;
  readonly timestampMs: number;
}

const BATCH_BYTES = 128;
const NO_SEQUENCE = -1;
const TYPE_IDS: Readonly<Record<ControlType, number>> = { abort: 0, commit: 1 };

/**
 * The control batch that ends a transaction on a partition: one record, transactional, without a sequence.
 *
 *     key    version i16 = 0, type i16: 0 abort, 1 commit
 *     value  version i16 = 0, coordinator epoch i32
 *
 * Source: KIP-98; `EndTransactionMarker` of Kafka.
 */
export function controlBatch(marker: TransactionMarker, crc32c: Crc32c): Uint8Array {
  const { type, producerId, producerEpoch, coordinatorEpoch, timestampMs } = marker;
  const writer = new RecordBatchWriter({ batchBytes: BATCH_BYTES, crc32c });
  const value = new Uint8Array(6);
  writeInt32(value, 2, coordinatorEpoch);
  writer.append(new Uint8Array([0, 0, 0, TYPE_IDS[type]]), value, timestampMs);
  const batch = writer
    .finish({ producerId, producerEpoch, baseSequence: NO_SEQUENCE, isTransactional: true })
    .slice();
  batch[ATTRIBUTES_AT + 1] = (batch[ATTRIBUTES_AT + 1] as number) | CONTROL;
  writeInt32(batch, CRC_AT, crc32c(batch, ATTRIBUTES_AT, batch.length));
  return batch;
}
