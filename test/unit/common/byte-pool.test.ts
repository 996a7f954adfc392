import * as fc from 'fast-check';
import { copyBytes } from '../../../src/common/byte-pool.ts';

describe('copyBytes', () => {
  test('copies a range of any length, which later copies and changes of the source leave alone', () => {
    const range = fc
      .tuple(fc.uint8Array({ maxLength: 5000 }), fc.nat(5000), fc.nat(5000))
      .map(([bytes, a, b]) => {
        const [start, end] = [a, b].map((at) => Math.min(at, bytes.length)).sort((x, y) => x - y);
        return { bytes, start: start ?? 0, end: end ?? 0 };
      });
    fc.assert(
      fc.property(fc.array(range, { maxLength: 60 }), (ranges) => {
        const expected = ranges.map(({ bytes, start, end }) => bytes.slice(start, end));
        const copies = ranges.map(({ bytes, start, end }) => copyBytes(bytes, start, end));
        for (const { bytes } of ranges) bytes.fill(0xff);
        expect(copies).toEqual(expected);
      }),
    );
  });

  test('writing to a copy changes no other', () => {
    const [first, second] = [copyBytes(Buffer.from('first')), copyBytes(Buffer.from('second'))];
    first.fill(0);
    expect(Buffer.from(second).toString()).toBe('second');
  });
});
