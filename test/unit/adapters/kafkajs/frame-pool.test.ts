import { FramePool } from '../../../../src/adapters/kafkajs/frame-pool.ts';

const KIB = 1024;

describe('frame pool', () => {
  test('a frame gets the memory of one that was given back, if it does not waste it', () => {
    const pool = new FramePool(4096 * KIB);
    const first = pool.take(1000 * KIB);
    pool.give(first);
    expect(pool.take(100 * KIB).buffer).not.toBe(first.buffer);
    const second = pool.take(990 * KIB);
    expect(second.buffer).toBe(first.buffer);
    expect(second).toHaveLength(990 * KIB);
  });

  test('memory that is in use is given to nobody else', () => {
    const pool = new FramePool(4096 * KIB);
    const taken = Array.from({ length: 4 }, () => pool.take(100 * KIB));
    for (const frame of taken) pool.give(frame);
    const again = Array.from({ length: 5 }, () => pool.take(100 * KIB).buffer);
    expect(new Set(again).size).toBe(5);
  });

  test('keeps no more than its limit, the newest', () => {
    const pool = new FramePool(300 * KIB);
    const taken = Array.from({ length: 4 }, () => pool.take(128 * KIB));
    for (const frame of taken) pool.give(frame);
    const known = new Set(taken.map(({ buffer }) => buffer));
    const again = Array.from({ length: 4 }, () => pool.take(128 * KIB).buffer);
    expect(again.filter((buffer) => known.has(buffer))).toEqual([
      taken[2]?.buffer,
      taken[3]?.buffer,
    ]);
  });
});
