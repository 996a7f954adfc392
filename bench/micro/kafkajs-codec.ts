import { createRequire } from 'node:module';

/** kafkajs' own batch codec, which it does not export and has no types for. */

interface KafkaJsRecord {
  readonly offsetDelta: number;
  readonly timestampDelta: number;
  readonly key: Buffer;
  readonly value: Buffer;
}
interface KafkaJsBatch {
  readonly records: readonly { readonly value: Buffer; readonly timestamp: string }[];
}
interface KafkaJsEncoder {
  readonly buffer: Buffer;
}
type RecordEncoder = (record: KafkaJsRecord) => KafkaJsEncoder;
type BatchEncoder = (batch: {
  readonly firstTimestamp: number;
  readonly maxTimestamp: number;
  readonly lastOffsetDelta: number;
  readonly records: readonly KafkaJsEncoder[];
}) => Promise<KafkaJsEncoder>;
type BatchDecoder = (decoder: object) => Promise<KafkaJsBatch>;

const protocol = createRequire(createRequire(import.meta.url).resolve('kafkajs'));
const encodeRecord = protocol('./src/protocol/recordBatch/record/v0') as RecordEncoder;
const { RecordBatch: encodeBatch } = protocol('./src/protocol/recordBatch/v0') as {
  readonly RecordBatch: BatchEncoder;
};
const decodeBatch = protocol('./src/protocol/recordBatch/v0/decoder') as BatchDecoder;
const Decoder = protocol('./src/protocol/decoder') as new (bytes: Buffer) => object;

export interface EncodedRecords {
  readonly key: Buffer;
  readonly value: Buffer;
  readonly firstMs: number;
  readonly count: number;
}

/** One batch of equal records, a millisecond apart. */
export async function encodeByKafkaJs(options: EncodedRecords): Promise<Buffer> {
  const { key, value, firstMs, count } = options;
  const records = Array.from({ length: count }, (_, index) =>
    encodeRecord({ offsetDelta: index, timestampDelta: index, key, value }),
  );
  const last = count - 1;
  const batch = { firstTimestamp: firstMs, maxTimestamp: firstMs + last, lastOffsetDelta: last };
  return (await encodeBatch({ ...batch, records })).buffer;
}

/** Sum of the values' lengths. */
export async function decodeByKafkaJs(batch: Buffer): Promise<number> {
  const { records } = await decodeBatch(new Decoder(batch));
  let sum = 0;
  for (const { value } of records) sum += value.length;
  return sum;
}
