// The record batch codec beside kafkajs' own, which checks no sum when it reads.
import { parseArgs } from 'node:util';
import { loadCrc32c } from '../../src/adapters/crc/load-crc32c.ts';
import { CompressionCodecs } from '../../src/wire/compression.ts';
import type { Crc32c } from '../../src/wire/crc32c.ts';
import { crc32c as javascriptCrc32c } from '../../src/wire/crc32c.ts';
import { readRecordBatch } from '../../src/wire/record-batch.ts';
import { RecordBatchWriter } from '../../src/wire/record-batch-writer.ts';
import { RecordCursor } from '../../src/wire/record-cursor.ts';
import { decodeByKafkaJs, encodeByKafkaJs } from './kafkajs-codec.ts';
import { rate } from './rate.ts';

const { values } = parseArgs({
  options: {
    records: { type: 'string', default: '1000' },
    'value-bytes': { type: 'string', default: '100' },
  },
});
const recordCount = Number(values.records);
const valueBytes = Number(values['value-bytes']);
const site = { topic: 'bench', partition: 0 };
const batchBytes = recordCount * (valueBytes + 40) + 100;
const key = new Uint8Array(8).fill(7);
const value = new Uint8Array(valueBytes).fill(42);

const native = await loadCrc32c();
const none: Crc32c = () => 0;
const codecs = new CompressionCodecs();

function writerWith(crc32c: Crc32c): RecordBatchWriter {
  return new RecordBatchWriter({ batchBytes, crc32c });
}

function fill(writer: RecordBatchWriter): Uint8Array {
  writer.reset();
  for (let index = 0; index < recordCount; index++) writer.append(key, value, 1e12 + index);
  return writer.finish();
}

function decodeAll(bytes: Uint8Array, crc32c: Crc32c, cursor: RecordCursor): number {
  let sum = 0;
  const batch = readRecordBatch(bytes, 0, { crc32c, site });
  if (batch === null) throw new Error('no batch');
  cursor.open(batch);
  while (cursor.next()) sum += cursor.valueEnd - cursor.keyStart + cursor.timestampMs;
  return sum;
}

/** From one batch into another, as a pass-through does. */
function copyAll(
  bytes: Uint8Array,
  crc: Crc32c,
  cursor: RecordCursor,
  to: RecordBatchWriter,
): void {
  const batch = readRecordBatch(bytes, 0, { crc32c: crc, site });
  if (batch === null) throw new Error('no batch');
  cursor.open(batch);
  to.reset();
  while (cursor.next()) {
    const { bytes, keyStart, keyEnd, valueStart, valueEnd, timestampMs } = cursor;
    to.appendRange(bytes, keyStart, keyEnd, bytes, valueStart, valueEnd, timestampMs);
  }
  to.finish();
}

const bytes = fill(writerWith(native)).slice();
const unchecked = fill(writerWith(none)).slice();
console.log(
  `${recordCount} records of ${key.length} + ${valueBytes} bytes, ${bytes.length} a batch`,
);
const measure = (name: string, run: () => unknown): Promise<void> =>
  rate(name, { operations: recordCount, prepare: () => run });
for (const [name, crc] of [
  ['native CRC', native],
  ['JavaScript CRC', javascriptCrc32c],
  ['no CRC', none],
] as const) {
  const batch = crc === none ? unchecked : bytes;
  const cursor = new RecordCursor({ codecs, maxDecompressedBytes: 1 << 26, site });
  const writer = writerWith(crc);
  await measure(`decode, ${name}`, () => decodeAll(batch, crc, cursor));
  await measure(`encode, ${name}`, () => fill(writer));
  await measure(`copy, ${name}`, () => {
    copyAll(batch, crc, cursor, writer);
  });
}
const theirs = {
  key: Buffer.from(key),
  value: Buffer.from(value),
  firstMs: 1e12,
  count: recordCount,
};
const theirBatch = await encodeByKafkaJs(theirs);
await measure('  decode by kafkajs, which checks no sum', () => decodeByKafkaJs(theirBatch));
await measure('  encode by kafkajs, whose CRC is JavaScript', () => encodeByKafkaJs(theirs));
