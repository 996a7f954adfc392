import { nodeCodecs } from '../../../src/adapters/compression/node-codecs.ts';
import { CompressionCodecs } from '../../../src/wire/compression.ts';
import { controlType } from '../../../src/wire/control-record.ts';
import { crc32c } from '../../../src/wire/crc32c.ts';
import { RecordBatchWriter } from '../../../src/wire/record-batch-writer.ts';
import type { PlainRecord } from './batches.ts';
import {
  SITE,
  newCursor,
  readBatches,
  readRecords,
  withChecksum,
  writeRecords,
} from './batches.ts';
import { bytesOf, goldenJson } from './golden.ts';

type Text = string | null;
type GoldenRecord = readonly [
  offset: number,
  timestampMs: number,
  key: Text,
  value: Text,
  headers: readonly (readonly [string, Text])[],
];

interface GoldenBatch {
  readonly name: string;
  readonly compression: string;
  readonly bytes: string;
  readonly baseOffset: number;
  readonly isControl: boolean;
  readonly isLogAppendTime: boolean;
  readonly producerId: number;
  readonly producerEpoch: number;
  readonly baseSequence: number;
  readonly isTransactional: boolean;
  readonly records: readonly GoldenRecord[];
}

const GOLDEN = goldenJson('record-batches') as GoldenBatch[];
/** What stands between the last offset and the number of records. */
const TIMES = Array<number>(30).fill(0);
const NOT_OF_THE_HEADER = ['name', 'bytes', 'records'];
const bytesOrNull = (text: Text) => (text === null ? null : bytesOf(text));
const bytes = (text: string) => new Uint8Array(Buffer.from(text));

function plain([offset, timestampMs, key, value, headers]: GoldenRecord): PlainRecord {
  return {
    offset,
    timestampMs,
    key: bytesOrNull(key),
    value: bytesOrNull(value),
    headers: headers.map(([name, header]) => [
      Buffer.from(name, 'base64').toString(),
      bytesOrNull(header),
    ]),
  };
}

/** What Java said about the batch as a whole. */
function headerOf(batch: GoldenBatch): Partial<GoldenBatch> {
  const parts = Object.entries(batch).filter(([part]) => !NOT_OF_THE_HEADER.includes(part));
  return Object.fromEntries(parts);
}

function golden(name: string): GoldenBatch {
  const found = GOLDEN.find((batch) => batch.name === name);
  if (found === undefined) throw new Error(`no golden batch ${name}`);
  return found;
}

function record(value: string | null, timestampMs = 1000): Omit<PlainRecord, 'offset'> {
  return { timestampMs, key: bytes('k'), value: value === null ? null : bytes(value), headers: [] };
}

describe('a record batch of Java', () => {
  test.each(GOLDEN)('is read as Java reads it: $name, $compression', (expected) => {
    const all = readBatches(bytesOf(expected.bytes));
    expect(all).toHaveLength(1);
    expect(all[0]).toMatchObject(headerOf(expected));
    expect(readRecords(bytesOf(expected.bytes))).toEqual(expected.records.map(plain));
  });

  const writable = GOLDEN.filter(
    ({ compression, isLogAppendTime, isControl, baseOffset }) =>
      compression === 'none' && !isLogAppendTime && !isControl && baseOffset === 0,
  );
  test.each(writable)('is written as Java writes it: $name', (expected) => {
    const written = writeRecords(expected.records.map(plain), expected);
    expect(Buffer.from(written).toString('base64')).toBe(expected.bytes);
  });

  test('ends where its header says, also when compaction has taken records or all of them', () => {
    const nextOffsets = ['after compaction', 'emptied by compaction'].map(
      (name) => readBatches(bytesOf(golden(name).bytes))[0]?.nextOffset,
    );
    expect(nextOffsets).toEqual([2 ** 40 + 1001, 520]);
  });

  test('with a marker says how the transaction ended', () => {
    const types = ['commit marker', 'abort marker', 'emptied by compaction'].map((name) => {
      const [batch] = readBatches(bytesOf(golden(name).bytes));
      return batch === undefined ? undefined : controlType(batch, newCursor());
    });
    expect(types).toEqual(['commit', 'abort', null]);
  });
});

describe('reading record batches', () => {
  const two = Buffer.concat([
    writeRecords([record('a'), record('b')]),
    writeRecords([record('c')]),
  ]);

  test('goes from batch to batch and leaves out the part of one at the end', () => {
    const values = (end: number) =>
      readRecords(new Uint8Array(two.subarray(0, end))).map(({ value }) => String(value));
    const all = values(two.length);
    expect(all).toHaveLength(3);
    const firstEnd = readBatches(two)[0]?.end ?? 0;
    for (let end = 0; end < two.length; end++) {
      expect(values(end)).toEqual(end < firstEnd ? [] : all.slice(0, 2));
    }
  });

  test('finds any changed byte behind the checksum before it believes the header', () => {
    const batch = writeRecords([record('a', 5000)]);
    for (let at = 17; at < batch.length; at++) {
      const damaged = batch.slice();
      damaged[at] = (damaged[at] ?? 0) ^ 0x10;
      expect(() => readBatches(damaged)).toThrow(
        expect.objectContaining({
          code: 'STREAMS_CORRUPT_MESSAGE',
          site: { ...SITE, offset: 0 },
        }) as Error,
      );
    }
  });

  test.each([
    ['its format is 1', 16, [1]],
    ['its length is 48', 8, [0, 0, 0, 48]],
    ['it ends at offset 9007199254740992', 0, [0, 32, 0, 0]],
    ['it ends at offset -1', 0, Array<number>(8).fill(255)],
    ['it ends at offset -', 23, [255]],
    ['it has 9 records in 1 offsets', 57, [0, 0, 0, 9]],
    ['it has 200 records in 70 bytes', 23, [0, 0, 0, 255, ...TIMES, 0, 0, 0, 200]],
    ['it has -16777215 records', 57, [255]],
    ['its compression is 5', 22, [5]],
    ['it has a time beyond 2^53', 27, [127]],
    ['it has a time beyond 2^53', 35, [127]],
    ['its producer id is beyond 2^53', 43, [127]],
  ])('refuses a header although its checksum is right: %s', (problem, at, changed) => {
    const batch = writeRecords([record('a')]).slice();
    batch.set(changed, at);
    expect(() => readBatches(withChecksum(batch))).toThrow(
      expect.objectContaining({
        code: 'STREAMS_CORRUPT_MESSAGE',
        message: expect.stringContaining(problem) as string,
      }) as Error,
    );
  });

  // Two records of ten bytes from byte 61 and 71 on: length, attributes, time, offset, key length, key, value length, value
  // (two bytes), header count.
  test.each([
    ['a record of 60 bytes', 61, [120]],
    ['a record of -1 bytes', 61, [1]],
    ['a key, a value or headers', 65, [8]],
    ['a key, a value or headers', 65, [5, 6, 0, 0, 0, 0]],
    ['a time beyond 2^53', 27, [0, 31, 255, 255, 255, 255, 255, 255]],
    ['a number without an end', 67, [60]],
    ['a key, a value or headers', 67, [2]],
    ['a key, a value or headers', 70, [1]],
    ['a broken header', 70, [2]],
    ['an offset 0', 74, [0]],
    ['an offset 10', 74, [20]],
    ['bytes behind its last record', 57, [0, 0, 0, 1]],
    ['a number without an end', 61, [255, 255, 255, 255, 255]],
    ['a number without an end', 63, Array<number>(10).fill(255)],
  ])('refuses records although the checksum is right: %s', (problem, at, changed) => {
    const batch = writeRecords([record('\0\0'), record('\0\0', 1001)]).slice();
    expect(batch.length).toBe(81);
    batch.set(changed, at);
    expect(() => readRecords(withChecksum(batch))).toThrow(
      expect.objectContaining({
        code: 'STREAMS_CORRUPT_MESSAGE',
        message: expect.stringContaining(problem) as string,
      }) as Error,
    );
  });

  test.each([
    ['headers shorter than their record', 70, 2],
    ['a number without an end', 70, 6],
    ['a broken header', 71, 60],
    ['a broken header', 73, 60],
  ])('refuses headers although the checksum is right: %s', (problem, at, byte) => {
    const headers = [
      ['h', bytes('x')],
      ['h', null],
    ] as const;
    const batch = writeRecords([{ ...record('\0\0'), headers }]).slice();
    expect(batch[70]).toBe(4);
    batch[at] = byte;
    expect(() => readRecords(withChecksum(batch))).toThrow(
      expect.objectContaining({
        message: expect.stringContaining(problem) as string,
        site: { ...SITE, offset: 0 },
      }) as Error,
    );
  });

  test('goes on behind a record whose headers are broken', () => {
    const headers = [['h', null]] as const;
    const batch = writeRecords([{ ...record('a'), headers }, record('b')]).slice();
    batch[69] = 4; // two headers
    const cursor = newCursor();
    const [whole] = readBatches(withChecksum(batch));
    if (whole !== undefined) cursor.open(whole);
    expect(cursor.next()).toBe(true);
    expect(() => cursor.headers()).toThrow('a broken header');
    expect([cursor.next(), cursor.offset, cursor.next()]).toEqual([true, 1, false]);
  });

  test('names codec, topic, partition and offset when the codec is missing', () => {
    const [batch] = GOLDEN.filter(({ compression }) => compression === 'gzip');
    const read = () => readRecords(bytesOf(batch?.bytes ?? ''), newCursor(new CompressionCodecs()));
    expect(read).toThrow(
      expect.objectContaining({
        code: 'STREAMS_CODEC_MISSING',
        message: expect.stringContaining('gzip') as string,
        site: { ...SITE, offset: 0 },
      }) as Error,
    );
  });

  test('gives copies of headers, and bytes that can be copied, of compressed records too', () => {
    const writer = new RecordBatchWriter({
      batchBytes: 1000,
      crc32c,
      compression: { name: 'gzip', codec: gzip() },
    });
    writer.append(bytes('k'), bytes('v'), 0, [['name', bytes('header')]]);
    const cursor = newCursor();
    for (const batch of readBatches(writer.finish())) cursor.open(batch);
    cursor.next();
    const [[, value] = []] = cursor.headers();
    value?.fill(0);
    cursor.bytes.slice(cursor.valueStart, cursor.valueEnd).fill(0);
    expect(cursor.headers()).toEqual([['name', bytes('header')]]);
    expect(cursor.bytes[cursor.valueStart]).toBe('v'.charCodeAt(0));
  });

  test('refuses records that decompress to more than the limit', () => {
    const writer = new RecordBatchWriter({
      batchBytes: 1 << 22,
      crc32c,
      compression: { name: 'gzip', codec: gzip() },
    });
    writer.append(null, new Uint8Array(1 << 21), 0);
    const batch = writer.finish();
    expect(batch.length).toBeLessThan(5000);
    expect(() => readRecords(batch)).toThrow(
      expect.objectContaining({ code: 'STREAMS_CORRUPT_MESSAGE' }) as Error,
    );
  });
});

describe('writing a record batch', () => {
  test('stops before the record that does not fit, and changes nothing', () => {
    const writer = new RecordBatchWriter({ batchBytes: 300, crc32c });
    const value = new Uint8Array(50);
    let accepted = 0;
    while (writer.append(bytes('key'), value, 7)) accepted++;
    const before = writer.sizeBytes;
    expect(writer.append(bytes('key'), value, 9)).toBe(false);
    expect([writer.recordCount, writer.sizeBytes, writer.maxTimestampMs]).toEqual([
      accepted,
      before,
      7,
    ]);
    expect(before).toBeLessThanOrEqual(300);
    expect(readRecords(writer.finish())).toHaveLength(accepted);
  });

  test('gives a record larger than a batch a batch of its own, and then the memory back', () => {
    const writer = new RecordBatchWriter({ batchBytes: 300, crc32c });
    expect(writer.append(null, new Uint8Array(10_000), 0)).toBe(true);
    expect(writer.append(null, null, 0)).toBe(false);
    const batch = writer.finish();
    expect(readRecords(batch)[0]?.value).toHaveLength(10_000);
    writer.reset();
    writer.append(null, null, 0);
    expect(writer.finish().buffer.byteLength).toBe(300);
  });

  test('takes back the records since a mark, with their largest time', () => {
    const writer = new RecordBatchWriter({ batchBytes: 1000, crc32c });
    writer.append(bytes('a'), bytes('1'), 10);
    const mark = writer.mark();
    writer.append(bytes('b'), bytes('2'), 99, [['h', bytes('x')]]);
    writer.append(bytes('c'), null, 5);
    writer.truncate(mark);
    writer.append(bytes('d'), bytes('4'), 11);
    expect(writer.finish()).toEqual(
      writeRecords([
        { key: bytes('a'), value: bytes('1'), timestampMs: 10, headers: [] },
        { key: bytes('d'), value: bytes('4'), timestampMs: 11, headers: [] },
      ]),
    );
  });

  test('takes back all records, and the next one sets the base time', () => {
    const writer = new RecordBatchWriter({ batchBytes: 1000, crc32c });
    const mark = writer.mark();
    writer.append(null, null, 10);
    writer.truncate(mark);
    writer.append(null, null, 3);
    expect(readBatches(writer.finish())[0]).toMatchObject({
      baseTimestampMs: 3,
      maxTimestampMs: 3,
    });
  });

  test.each(['none', 'gzip'] as const)(
    'can be finished again with a new epoch and sequence: %s',
    (name) => {
      const options = { batchBytes: 1000, crc32c };
      const writer = new RecordBatchWriter(
        name === 'none' ? options : { ...options, compression: { name, codec: gzip() } },
      );
      writer.append(bytes('a'), bytes('1'), 10);
      const producer = { producerId: 9, producerEpoch: 1, baseSequence: 40, isTransactional: true };
      writer.finish(producer);
      const again = writer.finish({ ...producer, producerEpoch: 2, baseSequence: 0 });
      expect(readBatches(again)[0]).toMatchObject({ producerEpoch: 2, baseSequence: 0 });
      writer.append(bytes('b'), bytes('2'), 11);
      expect(readRecords(writer.finish(producer))).toHaveLength(2);
    },
  );

  test('copies ranges of another batch, as a pass-through does', () => {
    const source = bytesOf(golden('plain').bytes);
    const writer = new RecordBatchWriter({ batchBytes: 1 << 16, crc32c });
    const cursor = newCursor();
    for (const batch of readBatches(source)) {
      cursor.open(batch);
      while (cursor.next()) {
        const { bytes: from, keyStart, keyEnd, valueStart, valueEnd, timestampMs } = cursor;
        const headers = cursor.headers();
        writer.appendRange(
          from,
          keyStart,
          keyEnd,
          from,
          valueStart,
          valueEnd,
          timestampMs,
          headers,
        );
      }
    }
    expect(writer.finish()).toEqual(source);
  });

  test('stops before a record whose time is further than 2^53 from the first', () => {
    const writer = new RecordBatchWriter({ batchBytes: 1000, crc32c });
    writer.append(null, null, Number.MAX_SAFE_INTEGER);
    expect(writer.append(null, null, -1)).toBe(false);
    expect(writer.append(null, null, 0)).toBe(true);
    expect(readRecords(writer.finish()).map(({ timestampMs }) => timestampMs)).toEqual([
      Number.MAX_SAFE_INTEGER,
      0,
    ]);
  });

  test('refuses a time that is no whole number', () => {
    const writer = new RecordBatchWriter({ batchBytes: 1000, crc32c });
    expect(() => writer.append(null, null, Number.NaN)).toThrow(
      expect.objectContaining({ code: 'STREAMS_INVARIANT' }) as Error,
    );
  });
});

function gzip() {
  return nodeCodecs().get('gzip', SITE);
}
