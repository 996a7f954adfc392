import fc from 'fast-check';
import {
  decodeOffsetMetadata,
  encodeOffsetMetadata,
} from '../../../src/runtime/offset-metadata.ts';

const NOTHING = new Map<string, number>();

describe('offset metadata', () => {
  test('is the version 2, then the partition time in 8 bytes', () => {
    const text = encodeOffsetMetadata({ partitionTimeMs: 258, processorTimesMs: NOTHING });
    expect(Buffer.from(text, 'base64')).toEqual(Buffer.from([2, 0, 0, 0, 0, 0, 0, 1, 2]));
  });

  test('has processor times behind it as Kafka Streams writes them', () => {
    const processorTimesMs = new Map([['ab', 5]]);
    const text = encodeOffsetMetadata({ partitionTimeMs: 1, processorTimesMs });
    const tail = Buffer.from(text, 'base64').subarray(9);
    expect([...tail]).toEqual([0, 0, 0, 1, 0, 0, 0, 2, 97, 98, 0, 0, 0, 0, 0, 0, 0, 5]);
  });

  test('comes back as it was written', () => {
    const times = fc.array(fc.tuple(fc.string({ unit: 'grapheme' }), fc.maxSafeInteger()));
    fc.assert(
      fc.property(fc.maxSafeInteger(), times, (partitionTimeMs, entries) => {
        const metadata = { partitionTimeMs, processorTimesMs: new Map(entries) };
        expect(decodeOffsetMetadata(encodeOffsetMetadata(metadata))).toEqual(metadata);
      }),
    );
  });

  test('of version 1 has the partition time only', () => {
    const text = Buffer.from([1, 0, 0, 0, 0, 0, 0, 0, 7]).toString('base64');
    const expected = { partitionTimeMs: 7, processorTimesMs: NOTHING };
    expect(decodeOffsetMetadata(text)).toEqual(expected);
  });

  test('that is empty gives an unknown time', () => {
    expect(decodeOffsetMetadata('')?.partitionTimeMs).toBe(-1);
  });

  test('of a newer version, or cut off anywhere, is not known', () => {
    const processorTimesMs = new Map([['name', 5]]);
    const whole = Buffer.from(
      encodeOffsetMetadata({ partitionTimeMs: 1, processorTimesMs }),
      'base64',
    );
    const newer = Buffer.from(whole);
    newer[0] = 3;
    expect(decodeOffsetMetadata(newer.toString('base64'))).toBeNull();
    for (let length = 1; length < whole.length; length++) {
      if (length === 9) continue; // a partition time and nothing else is whole
      expect(decodeOffsetMetadata(whole.subarray(0, length).toString('base64'))).toBeNull();
    }
  });

  test('with a time beyond 2^53 is not known', () => {
    const times = Buffer.from([2, 0x20, 0, 0, 0, 0, 0, 0, 0]);
    expect(decodeOffsetMetadata(times.toString('base64'))).toBeNull();
    const processor = Buffer.from(
      encodeOffsetMetadata({ partitionTimeMs: 1, processorTimesMs: new Map([['name', 5]]) }),
      'base64',
    );
    processor[processor.length - 8] = 0x20;
    expect(decodeOffsetMetadata(processor.toString('base64'))).toBeNull();
  });
});
