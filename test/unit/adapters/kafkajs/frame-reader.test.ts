import fc from 'fast-check';
import { FrameReader } from '../../../../src/adapters/kafkajs/frame-reader.ts';

function frame(content: Uint8Array): Buffer {
  const length = Buffer.alloc(4);
  length.writeInt32BE(content.length);
  return Buffer.concat([length, content]);
}

describe('frame reader', () => {
  test('any cut of the stream gives the same frames', () => {
    const content = fc.uint8Array({ minLength: 4, maxLength: 40 });
    const cuts = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1 });
    fc.assert(
      fc.property(fc.array(content), cuts, (contents, sizes) => {
        const stream = Buffer.concat(contents.map(frame));
        const frames: Buffer[] = [];
        const reader = new FrameReader(1_000, (one) => frames.push(one));
        for (let at = 0, turn = 0; at < stream.length; turn++) {
          const end = at + (sizes[turn % sizes.length] ?? 1);
          reader.push(stream.subarray(at, end));
          at = end;
        }
        expect(frames.map((one) => [...one])).toEqual(contents.map((one) => [...one]));
      }),
    );
  });

  test.each([
    ['negative', -1],
    ['too short for a correlation id', 3],
    ['above the limit', 1_001],
    ['of text, from a server of another kind', 0x48545450],
  ])('a length that is %s is refused before anything is allocated', (_name, length) => {
    const reader = new FrameReader(1_000, () => undefined);
    const bytes = Buffer.alloc(4);
    bytes.writeInt32BE(length);
    expect(() => {
      reader.push(bytes);
    }).toThrow(expect.objectContaining({ code: 'STREAMS_CORRUPT_MESSAGE' }) as Error);
  });
});
