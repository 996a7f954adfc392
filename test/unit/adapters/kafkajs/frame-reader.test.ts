import fc from 'fast-check';
import { FramePool } from '../../../../src/adapters/kafkajs/frame-pool.ts';
import { FrameReader } from '../../../../src/adapters/kafkajs/frame-reader.ts';

function frame(content: Uint8Array): Buffer {
  const length = Buffer.alloc(4);
  length.writeInt32BE(content.length);
  return Buffer.concat([length, content]);
}

describe('frame reader', () => {
  test('any cut of the stream gives the same frames', () => {
    const small = fc.uint8Array({ minLength: 4, maxLength: 40 });
    const large = fc.integer({ min: 32_768, max: 50_000 }).map((n) => new Uint8Array(n).fill(n));
    const content = fc.oneof({ weight: 5, arbitrary: small }, large);
    const cuts = fc.array(fc.oneof(fc.integer({ min: 1, max: 9 }), fc.constant(5_000)), {
      minLength: 1,
    });
    fc.assert(
      fc.property(fc.array(content), cuts, (contents, sizes) => {
        const stream = Buffer.concat(contents.map(frame));
        const frames: Buffer[] = [];
        const pool = new FramePool(1 << 20);
        const reader = new FrameReader(100_000, pool, (one) => {
          frames.push(Buffer.from(one));
          pool.give(one);
        });
        for (let at = 0, turn = 0; at < stream.length; turn++) {
          const end = at + (sizes[turn % sizes.length] ?? 1);
          reader.push(stream.subarray(at, end));
          at = end;
        }
        expect(frames.map((one) => one.toString('hex'))).toEqual(
          contents.map((one) => Buffer.from(one).toString('hex')),
        );
      }),
    );
  });

  test.each([
    ['negative', -1],
    ['too short for a correlation id', 3],
    ['above the limit', 1_001],
    ['of text, from a server of another kind', 0x48545450],
  ])('a length that is %s is refused before anything is allocated', (_name, length) => {
    const reader = new FrameReader(1_000, new FramePool(0), () => undefined);
    const bytes = Buffer.alloc(4);
    bytes.writeInt32BE(length);
    expect(() => {
      reader.push(bytes);
    }).toThrow(expect.objectContaining({ code: 'STREAMS_CORRUPT_MESSAGE' }) as Error);
  });
});
