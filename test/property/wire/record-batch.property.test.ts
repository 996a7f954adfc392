import fc from 'fast-check';
import { isStreamsError } from '../../../src/common/errors.ts';
import { newCursor, readRecords, withChecksum, writeRecords } from '../../unit/wire/batches.ts';

const bytes = fc.option(fc.uint8Array({ maxLength: 200 }));
const record = fc.record({
  timestampMs: fc.oneof(fc.nat(5000), fc.integer({ min: -1, max: 2 ** 52 })),
  key: bytes,
  value: bytes,
  headers: fc.array(fc.tuple(fc.string({ unit: 'grapheme', maxLength: 9 }), bytes), {
    maxLength: 3,
  }),
});
const records = fc.array(record, { minLength: 1, maxLength: 150 });

describe('record batches', () => {
  test('give back what was written, whatever it was', () => {
    fc.assert(
      fc.property(records, (written) => {
        const read = readRecords(writeRecords(written));
        expect(read).toEqual(written.map((each, offset) => ({ offset, ...each })));
      }),
    );
  });

  test('with any bytes changed give records or a corrupt message, also under a right checksum', () => {
    const changes = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 4 });
    const cursor = newCursor();
    fc.assert(
      fc.property(records, changes, fc.boolean(), (written, changed, isSigned) => {
        const batch = writeRecords(written);
        for (const [at, byte] of changed) batch[at % batch.length] = byte;
        try {
          readRecords(isSigned ? withChecksum(batch) : batch, cursor);
        } catch (error) {
          const isExpected =
            isStreamsError(error, 'STREAMS_CORRUPT_MESSAGE') ||
            isStreamsError(error, 'STREAMS_CODEC_MISSING');
          if (!isExpected) throw error;
        }
      }),
      { numRuns: 2000 },
    );
  });
});
