import fc from 'fast-check';
import { committedBatches } from '../../src/client/committed-batches.ts';
import {
  ATTRIBUTES_AT,
  CRC_AT,
  LAST_OFFSET_DELTA_AT,
  RECORD_COUNT_AT,
} from '../../src/wire/record-batch.ts';
import { CompressionCodecs } from '../../src/wire/compression.ts';
import { crc32c } from '../../src/wire/crc32c.ts';
import { RecordBatchWriter } from '../../src/wire/record-batch-writer.ts';
import { RecordCursor } from '../../src/wire/record-cursor.ts';

const CONTROL_AND_TRANSACTIONAL = 0x30;
const codecs = new CompressionCodecs();
const cursor = new RecordCursor({ codecs, maxDecompressedBytes: 0, site: {} });

/** One step of one producer. `compacted` batches keep their offsets and lose their records. */
type Step =
  | {
      readonly kind: 'write';
      readonly producer: number;
      readonly records: number;
      readonly isCompacted: boolean;
    }
  | { readonly kind: 'plain'; readonly records: number }
  | {
      readonly kind: 'end';
      readonly producer: number;
      readonly commits: boolean;
      readonly isCompacted: boolean;
    };

interface LoggedBatch {
  readonly bytes: Buffer;
  readonly baseOffset: number;
  readonly lastOffset: number;
}

interface Log {
  readonly batches: readonly LoggedBatch[];
  /** Offsets of the data that a reader may see, by definition: of no transaction, or of one that committed. */
  readonly visible: ReadonlySet<number>;
  readonly all: ReadonlySet<number>;
  /** In the order of their markers. */
  readonly aborted: readonly { producerId: number; firstOffset: number; lastOffset: number }[];
  /** Where the first open transaction begins, or the end. */
  readonly lastStableOffset: number;
}

function build(steps: readonly Step[]): Log {
  const batches: LoggedBatch[] = [];
  const visible = new Set<number>();
  const all = new Set<number>();
  const aborted: { producerId: number; firstOffset: number; lastOffset: number }[] = [];
  const open = new Map<number, { first: number; offsets: number[] }>();
  let offset = 0;
  const add = (
    records: number,
    producerId: number,
    control: 'abort' | 'commit' | null,
    isEmpty: boolean,
  ): number[] => {
    const offsets = Array.from({ length: records }, (_, index) => offset + index);
    batches.push({
      bytes: batchBytes(offset, records, producerId, control, isEmpty),
      baseOffset: offset,
      lastOffset: offset + records - 1,
    });
    offset += records;
    return isEmpty || control !== null ? [] : offsets;
  };
  for (const step of steps) {
    if (step.kind === 'plain') {
      for (const one of add(step.records, -1, null, false)) {
        visible.add(one);
        all.add(one);
      }
    } else if (step.kind === 'write') {
      const transaction = open.get(step.producer) ?? { first: offset, offsets: [] };
      open.set(step.producer, transaction);
      const offsets = add(step.records, step.producer, null, step.isCompacted);
      transaction.offsets.push(...offsets);
      for (const one of offsets) all.add(one);
    } else {
      const transaction = open.get(step.producer);
      if (transaction === undefined) continue;
      open.delete(step.producer);
      const markerAt = offset;
      add(1, step.producer, step.commits ? 'commit' : 'abort', step.isCompacted && step.commits);
      if (step.commits) for (const one of transaction.offsets) visible.add(one);
      else
        aborted.push({
          producerId: step.producer,
          firstOffset: transaction.first,
          lastOffset: markerAt,
        });
    }
  }
  const starts = [...open.values()].map(({ first }) => first);
  return { batches, visible, all, aborted, lastStableOffset: Math.min(offset, ...starts) };
}

function batchBytes(
  baseOffset: number,
  records: number,
  producerId: number,
  control: 'abort' | 'commit' | null,
  isEmpty: boolean,
): Buffer {
  const writer = new RecordBatchWriter({ batchBytes: 4_096, crc32c });
  // A user's key is that of an abort marker: it must not be taken for one.
  const marker = Buffer.from([0, 0, 0, control === 'commit' ? 1 : 0]);
  for (let index = 0; index < (isEmpty ? 0 : records); index++)
    writer.append(marker, marker, 1, []);
  const bytes = Buffer.from(
    writer.finish({
      producerId,
      producerEpoch: producerId < 0 ? -1 : 0,
      baseSequence: -1,
      isTransactional: producerId >= 0,
    }),
  );
  bytes.writeBigInt64BE(BigInt(baseOffset), 0);
  bytes.writeInt32BE(records - 1, LAST_OFFSET_DELTA_AT);
  if (isEmpty) bytes.writeInt32BE(0, RECORD_COUNT_AT);
  if (control !== null) bytes.writeInt16BE(CONTROL_AND_TRANSACTIONAL, ATTRIBUTES_AT);
  bytes.writeUInt32BE(crc32c(bytes, ATTRIBUTES_AT, bytes.length), CRC_AT);
  return bytes;
}

/** Fetches as a reader would: from a position, so many whole batches and a part of the next, until the end. */
function read(
  log: Log,
  from: number,
  cuts: readonly number[],
  isCommitted: boolean,
): { offsets: number[]; position: number } {
  const offsets: number[] = [];
  const end = isCommitted ? log.lastStableOffset : Number.POSITIVE_INFINITY;
  let position = from;
  for (let turn = 0; ; turn++) {
    const rest = log.batches.filter((one) => one.lastOffset >= position && one.baseOffset < end);
    if (rest.length === 0) return { offsets, position };
    const count = 1 + (cuts[turn % cuts.length] ?? 0);
    const whole = rest.slice(0, count);
    const partial = rest[count]?.bytes.subarray(0, 60) ?? Buffer.alloc(0);
    const last = whole.at(-1)?.lastOffset ?? position;
    const { batches, nextOffset, recordCount } = committedBatches({
      records: Buffer.concat([...whole.map(({ bytes }) => bytes), partial]),
      fetchOffset: position,
      // As the broker chooses them: those that overlap what was fetched, in the order of their markers.
      abortedTransactions: isCommitted
        ? log.aborted.filter((one) => one.lastOffset >= position && one.firstOffset <= last)
        : null,
      crc32c,
      cursor,
      site: {},
    });
    let counted = 0;
    for (const batch of batches) {
      cursor.open(batch);
      while (cursor.next()) {
        counted++;
        if (cursor.offset >= position) offsets.push(cursor.offset);
      }
    }
    expect(counted).toBe(recordCount);
    expect(nextOffset).toBe(last + 1);
    position = nextOffset;
  }
}

const producer = fc.integer({ min: 0, max: 2 });
const records = fc.integer({ min: 1, max: 3 });
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ kind: fc.constant('write' as const), producer, records, isCompacted: fc.boolean() }),
  fc.record({ kind: fc.constant('plain' as const), records }),
  fc.record({
    kind: fc.constant('end' as const),
    producer,
    commits: fc.boolean(),
    isCompacted: fc.boolean(),
  }),
);

describe('what a fetch shows', () => {
  const cuts = fc.array(fc.nat(9), { minLength: 1 });
  // By default most arrays are short, and these need many steps to get in each other's way.
  const steps = fc.array(step, { maxLength: 60, size: 'max' });

  test('read_committed gives the committed records and no other, in order, wherever the answers are cut', () => {
    fc.assert(
      fc.property(steps, cuts, fc.nat(30), (written, sizes, start) => {
        const log = build(written);
        const from = Math.min(start, log.lastStableOffset);
        const { offsets, position } = read(log, from, sizes, true);
        const expected = [...log.visible].filter(
          (one) => one >= from && one < log.lastStableOffset,
        );
        expect(offsets).toEqual(expected.sort((a, b) => a - b));
        // Markers, aborted and empty batches are passed as well.
        expect(position).toBeGreaterThanOrEqual(log.lastStableOffset);
      }),
      { numRuns: 1_000 },
    );
  });

  test('read_uncommitted gives every record, and no marker', () => {
    fc.assert(
      fc.property(steps, cuts, (written, sizes) => {
        const log = build(written);
        const { offsets } = read(log, 0, sizes, false);
        expect(offsets).toEqual([...log.all].sort((a, b) => a - b));
      }),
    );
  });

  test('a producer that aborts twice, listed in the order of the markers, hides both and shows what is between', () => {
    const log = build([
      { kind: 'write', producer: 1, records: 1, isCompacted: false }, // 0, aborted late
      { kind: 'write', producer: 2, records: 1, isCompacted: false }, // 1, aborted first
      { kind: 'end', producer: 2, commits: false, isCompacted: false }, // 2
      { kind: 'end', producer: 1, commits: false, isCompacted: false }, // 3
      { kind: 'write', producer: 1, records: 1, isCompacted: false }, // 4, committed
      { kind: 'end', producer: 1, commits: true, isCompacted: false }, // 5
      { kind: 'write', producer: 1, records: 1, isCompacted: false }, // 6, aborted
      { kind: 'end', producer: 1, commits: false, isCompacted: false }, // 7
      { kind: 'plain', records: 1 }, // 8
    ]);
    expect(log.aborted.map(({ producerId }) => producerId)).toEqual([2, 1, 1]);
    for (const cut of [0, 3, 8]) {
      expect(read(log, 0, [cut], true)).toEqual({ offsets: [4, 8], position: 9 });
    }
  });

  test('a reader that starts inside of an aborted transaction sees nothing of it', () => {
    const log = build([
      { kind: 'write', producer: 1, records: 3, isCompacted: false },
      { kind: 'write', producer: 1, records: 3, isCompacted: false },
      { kind: 'end', producer: 1, commits: false, isCompacted: false },
      { kind: 'plain', records: 2 },
    ]);
    expect(read(log, 4, [0], true)).toEqual({ offsets: [7, 8], position: 9 });
  });

  test('an abort marker below the offset that was asked for ends its transaction', () => {
    const log = build([
      { kind: 'write', producer: 0, records: 1, isCompacted: false },
      { kind: 'end', producer: 0, commits: false, isCompacted: false },
      { kind: 'write', producer: 0, records: 1, isCompacted: false },
    ]);
    const { batches, nextOffset } = committedBatches({
      records: Buffer.concat(log.batches.map(({ bytes }) => bytes)),
      fetchOffset: 2,
      abortedTransactions: log.aborted,
      crc32c,
      cursor,
      site: {},
    });
    expect(batches.map(({ baseOffset }) => baseOffset)).toEqual([2]);
    expect(nextOffset).toBe(3);
  });
});
