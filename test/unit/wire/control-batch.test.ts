import { controlBatch } from '../../../src/wire/control-batch.ts';
import { crc32c } from '../../../src/wire/crc32c.ts';
import {
  readRequestHeader,
  readResponseHeader,
  writeRequestHeader,
  writeResponseHeader,
} from '../../../src/wire/message-headers.ts';
import { Reader } from '../../../src/wire/reader.ts';
import { readRecordBatch } from '../../../src/wire/record-batch.ts';
import { Writer } from '../../../src/wire/writer.ts';
import { bytesOf, goldenJson } from './golden.ts';

interface GoldenMarker {
  readonly name: string;
  readonly bytes: string;
  readonly maxTimestampMs: number;
}

/** Base offset and leader epoch are the log's to write, and outside of the checksum. */
function withoutPlace(batch: Uint8Array): string {
  const copy = Buffer.from(batch);
  copy.fill(0, 0, 8);
  copy.fill(0, 12, 16);
  return copy.toString('hex');
}

describe('a control batch', () => {
  test.each(['commit', 'abort'] as const)(
    'of %s is byte for byte the one that Kafka writes',
    (type) => {
      const golden = (goldenJson('record-batches') as GoldenMarker[]).find(
        ({ name }) => name === `${type} marker`,
      );
      const timestampMs = golden?.maxTimestampMs ?? -1;
      const producer = { producerId: 7_000, producerEpoch: 3 };
      const batch = controlBatch({ type, ...producer, coordinatorEpoch: 15, timestampMs }, crc32c);
      expect(withoutPlace(batch)).toBe(withoutPlace(bytesOf(golden?.bytes ?? '')));
      expect(readRecordBatch(batch, 0, { crc32c, site: {} })?.isControl).toBe(true);
    },
  );
});

describe('message headers', () => {
  const header = { apiKey: 18, version: 3, correlationId: 77, clientId: 'app' };

  test('of requests end in a tag section where the version is flexible; the client id is plain in all', () => {
    const write = (isFlexible: boolean): string => {
      const writer = new Writer();
      writeRequestHeader(writer, header, isFlexible);
      return Buffer.from(writer.finish()).toString('hex');
    };
    expect(write(false)).toBe('001200030000004d0003617070');
    expect(write(true)).toBe('001200030000004d000361707000');
  });

  test.each([true, false])('come back as they were written (flexible: %s)', (isFlexible) => {
    for (const clientId of ['app', '', null]) {
      const writer = new Writer();
      writeRequestHeader(writer, { ...header, clientId }, isFlexible);
      const reader = new Reader(writer.finish());
      expect(readRequestHeader(reader, () => isFlexible)).toEqual({ ...header, clientId });
      reader.expectEnd();
    }
    const writer = new Writer();
    writeResponseHeader(writer, 78, isFlexible);
    const reader = new Reader(writer.finish());
    expect(readResponseHeader(reader, isFlexible)).toBe(78);
    reader.expectEnd();
  });
});
