import fc from 'fast-check';
import { loadCrc32c } from '../../../src/adapters/crc/load-crc32c.ts';
import { crc32c } from '../../../src/wire/crc32c.ts';

describe('CRC-32C', () => {
  test('of the digits 1 to 9 is the check value of the standard', () => {
    const digits = new Uint8Array(Buffer.from('123456789'));
    expect(crc32c(digits, 0, 9)).toBe(0xe3069283);
    expect(crc32c(digits, 4, 4)).toBe(0);
  });

  test('is the same from the native package and from our own code, over any range', async () => {
    const loaded = await loadCrc32c();
    expect(loaded).not.toBe(crc32c); // the package is installed here
    const ranges = fc
      .uint8Array({ maxLength: 200 })
      .chain((bytes) => fc.tuple(fc.constant(bytes), fc.nat(bytes.length), fc.nat(bytes.length)));
    fc.assert(
      fc.property(ranges, ([bytes, one, other]) => {
        const [start, end] = [Math.min(one, other), Math.max(one, other)];
        expect(loaded(bytes, start, end)).toBe(crc32c(bytes, start, end));
      }),
    );
  });
});
