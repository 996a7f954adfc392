/**
 * Records a second of the record batch codec: `node --import tsx bench/micro/codec.ts [--records n] [--value-bytes n]`.
 * Median of the rounds, with the slowest and the fastest.
 */
import { parseArgs } from 'node:util';
import { loadCrc32c } from '../../src/adapters/crc/load-crc32c.ts';
import { CompressionCodecs } from '../../src/wire/compression.ts';
import type { Crc32c } from '../../src/wire/crc32c.ts';
import { crc32c as javascriptCrc32c } from '../../src/wire/crc32c.ts';
import { readRecordBatch } from '../../src/wire/record-batch.ts';
import { RecordBatchWriter } from '../../src/wire/record-batch-writer.ts';
import { RecordCursor } from '../../src/wire/record-cursor.ts';

const { values } = parseArgs({
  options: {
    records: { type: 'string', default: '1000' },
    'value-bytes': { type: 'string', default: '100' },
    rounds: { type: 'string', default: '15' },
  },
});
const recordCount = Number(values.records);
const valueBytes = Number(values['value-bytes']);
const rounds = Number(values.rounds);
const ROUND_MS = 200;
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

function measure(name: string, run: () => void): void {
  const rates: number[] = [];
  for (let round = -2; round < rounds; round++) {
    const start = performance.now();
    let batches = 0;
    while (performance.now() - start < ROUND_MS) {
      for (let burst = 0; burst < 10; burst++) run();
      batches += 10;
    }
    const rate = (batches * recordCount) / (performance.now() - start) / 1000;
    if (round >= 0) rates.push(rate);
  }
  rates.sort((a, b) => a - b);
  const at = (index: number) => (rates[index] ?? 0).toFixed(1);
  const median = at(Math.floor(rates.length / 2));
  console.log(`${name.padEnd(28)} ${median} M/s  (${at(0)} to ${at(rates.length - 1)})`);
}

const bytes = fill(writerWith(native)).slice();
const unchecked = fill(writerWith(none)).slice();
console.log(
  `${recordCount} records of ${key.length} + ${valueBytes} bytes, ${bytes.length} a batch`,
);
for (const [name, crc] of [
  ['native CRC', native],
  ['JavaScript CRC', javascriptCrc32c],
  ['no CRC', none],
] as const) {
  const batch = crc === none ? unchecked : bytes;
  const cursor = new RecordCursor({ codecs, maxDecompressedBytes: 1 << 26, site });
  const writer = writerWith(crc);
  measure(`decode, ${name}`, () => decodeAll(batch, crc, cursor));
  measure(`encode, ${name}`, () => fill(writer));
  measure(`copy, ${name}`, () => {
    copyAll(batch, crc, cursor, writer);
  });
}
