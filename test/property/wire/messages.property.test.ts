import fc from 'fast-check';
import { isStreamsError } from '../../../src/common/errors.ts';
import { Reader } from '../../../src/wire/reader.ts';
import { Writer } from '../../../src/wire/writer.ts';
import { CODECS, bytesOf, goldenMessages } from '../../unit/wire/golden.ts';

const GOLDEN = CODECS.flatMap((codec) =>
  goldenMessages(codec.name).map(({ version, bytes }) => ({ codec, version, bytes })),
);

describe('messages', () => {
  test('with any bytes changed, lost or added are a value or a corrupt message', () => {
    const change = fc.record({
      at: fc.nat(),
      remove: fc.nat(5),
      insert: fc.array(fc.constantFrom(0, 1, 2, 127, 128, 255), { maxLength: 6 }),
    });
    fc.assert(
      fc.property(
        fc.constantFrom(...GOLDEN),
        fc.array(change, { minLength: 1, maxLength: 3 }),
        ({ codec, version, bytes }, changes) => {
          const damaged = [...bytesOf(bytes)];
          for (const { at, remove, insert } of changes) {
            damaged.splice(at % (damaged.length + 1), remove, ...insert);
          }
          try {
            codec.read(new Uint8Array(damaged), version);
          } catch (error) {
            if (!isStreamsError(error, 'STREAMS_CORRUPT_MESSAGE')) throw error;
          }
        },
      ),
      { numRuns: 20_000 },
    );
  });

  test('that announce more elements than their bytes can hold are refused before any is read', () => {
    const bytes = new Uint8Array(1000);
    new DataView(bytes.buffer).setUint32(0, 997);
    let reads = 0;
    const read = (): number => reads++;
    expect(() => new Reader(bytes).list('f', 0, read, { minBytes: 1, fields: 1 })).toThrow(
      expect.objectContaining({ code: 'STREAMS_CORRUPT_MESSAGE' }) as Error,
    );
    expect(reads).toBe(0);
  });

  test('that would take more heap than four times their bytes and 1 MB are refused', () => {
    const size = 1 << 20;
    const bytes = new Uint8Array(size);
    new DataView(bytes.buffer).setUint32(0, size - 4);
    const list = (fields: number) => () =>
      new Reader(bytes).list('f', 0, (reader) => reader.int8('f'), { minBytes: 1, fields });
    expect(list(4)).toThrow(expect.objectContaining({ code: 'STREAMS_CORRUPT_MESSAGE' }) as Error);
  });

  test('of many small objects are refused by what the objects take (found by the fuzzer)', () => {
    const bytes = new Uint8Array(70_002);
    bytes.set([0, 0, 0x80, 0x80]);
    const codec = CODECS.find(({ name }) => name === 'MetadataRequest');
    expect(() => codec?.read(bytes, 7)).toThrow('32896 elements, too many to hold');
  });
});

describe('the primitives', () => {
  const value = fc.record({
    flag: fc.boolean(),
    int8: fc.integer({ min: -128, max: 127 }),
    int16: fc.integer({ min: -32_768, max: 32_767 }),
    int32: fc.integer(),
    int64: fc.maxSafeInteger(),
    uvarint: fc.nat(2 ** 31 - 1),
    text: fc.option(fc.string({ unit: 'grapheme', maxLength: 200 })),
    bytes: fc.option(fc.uint8Array({ maxLength: 200 })),
    ids: fc.option(
      fc.array(
        fc
          .uint8Array({ minLength: 16, maxLength: 16 })
          .map((id) => Buffer.from(id).toString('hex')),
      ),
    ),
  });

  test('come back as they were written, compact or not', () => {
    fc.assert(
      fc.property(value, fc.boolean(), (written, isFlexible) => {
        const writer = new Writer(1);
        writer.begin(isFlexible);
        writer.bool(written.flag);
        writer.int8(written.int8);
        writer.int16(written.int16);
        writer.int32(written.int32);
        writer.int64(written.int64);
        writer.uvarint(written.uvarint);
        writer.nullableString(written.text);
        writer.nullableBytes(written.bytes);
        writer.nullableList(written.ids, 0, (to, _version, id) => {
          to.uuid(id);
        });
        const reader = new Reader(writer.finish());
        reader.begin('test', 0, isFlexible);
        expect({
          flag: reader.bool('f'),
          int8: reader.int8('f'),
          int16: reader.int16('f'),
          int32: reader.int32('f'),
          int64: reader.int64('f'),
          uvarint: reader.uvarint('f'),
          text: reader.nullableString('f'),
          bytes: reader.nullableBytes('f'),
          ids: reader.nullableList('f', 0, (from) => from.uuid('f'), { minBytes: 16, fields: 0 }),
        }).toEqual(written);
        reader.expectEnd();
      }),
    );
  });

  const refused: [string, (writer: Writer) => void][] = [
    [
      'int8 128',
      (writer) => {
        writer.int8(128);
      },
    ],
    [
      'int16 2^15',
      (writer) => {
        writer.int16(32_768);
      },
    ],
    [
      'int32 2^31',
      (writer) => {
        writer.int32(2 ** 31);
      },
    ],
    [
      'int32 NaN',
      (writer) => {
        writer.int32(Number.NaN);
      },
    ],
    [
      'int64 2^53',
      (writer) => {
        writer.int64(2 ** 53);
      },
    ],
    [
      'a varint below 0',
      (writer) => {
        writer.uvarint(-1);
      },
    ],
    [
      'an id of 31 digits',
      (writer) => {
        writer.uuid('0'.repeat(31));
      },
    ],
    [
      'an id that is no hex',
      (writer) => {
        writer.uuid('x'.repeat(32));
      },
    ],
    [
      'a text of 2^15 bytes',
      (writer) => {
        writer.string('x'.repeat(32_768));
      },
    ],
  ];
  test.each(refused)('never cut off a value that does not fit: %s', (_what, write) => {
    expect(() => {
      write(new Writer());
    }).toThrow(expect.objectContaining({ code: 'STREAMS_INVARIANT' }) as Error);
  });

  test('refuse a length below -1, which is null', () => {
    const corrupt = expect.objectContaining({ code: 'STREAMS_CORRUPT_MESSAGE' }) as Error;
    const reader = () => new Reader(new Uint8Array([255, 255, 255, 254]));
    expect(() => new Reader(new Uint8Array([255, 254])).nullableString('f')).toThrow(corrupt);
    expect(() => reader().nullableBytes('f')).toThrow(corrupt);
    expect(() => reader().listLength('f', { minBytes: 1, fields: 0 })).toThrow(corrupt);
  });

  test('refuse a tagged value that is longer than its size', () => {
    const reader = new Reader(new Uint8Array([1, 9, 9]));
    reader.begin('test', 0, true);
    const end = reader.tagEnd();
    reader.int16('f');
    expect(() => {
      reader.skipTo(end);
    }).toThrow(expect.objectContaining({ code: 'STREAMS_CORRUPT_MESSAGE' }) as Error);
  });

  test('refuse an int64 beyond 2^53 and a varint beyond 2^31', () => {
    const corrupt = expect.objectContaining({ code: 'STREAMS_CORRUPT_MESSAGE' }) as Error;
    expect(() => new Reader(new Uint8Array([0, 32, 0, 0, 0, 0, 0, 0])).int64('f')).toThrow(corrupt);
    const varints = [
      [255, 255, 255, 255, 8],
      [255, 255, 255, 255, 255, 1],
    ];
    for (const bytes of varints) {
      expect(() => new Reader(new Uint8Array(bytes)).uvarint('f')).toThrow(corrupt);
    }
  });
});
