import { defaultPartition, murmur2 } from '../../../src/common/murmur2.ts';

describe('murmur2', () => {
  // Computed by org.apache.kafka.common.utils.Utils.murmur2.
  test.each([
    ['21', -973932308],
    ['foobar', -790332482],
    ['a-little-bit-long-string', -985981536],
    ['a-little-bit-longer-string', -1486304829],
    ['lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8', -58897971],
    ['abc', 479470107],
  ])('hashes %s as Java does', (text, hash) => {
    expect(murmur2(Buffer.from(text))).toBe(hash);
  });

  test('hashes a part of a buffer as the part alone', () => {
    expect(murmur2(Buffer.from('xxfoobarx'), 2, 8)).toBe(-790332482);
  });

  test('a partition is never negative', () => {
    expect(defaultPartition(Buffer.from('21'), 7)).toBe((-973932308 & 0x7fffffff) % 7);
  });
});
