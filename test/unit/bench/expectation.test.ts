import { expectationOf } from '../../../bench/data/expectation.ts';
import { EMPTY_RECORD, inputRecords } from '../../../bench/data/inputs.ts';
import type { Result } from '../../../bench/data/result.ts';
import { SplitMix64 } from '../../../bench/data/word64.ts';
import type { Workload } from '../../../bench/data/workloads.ts';

function expected(workload: Workload, scale: number): Result {
  const expectation = expectationOf(workload);
  const input = inputRecords(workload, scale);
  const record = { ...EMPTY_RECORD };
  for (let i = 0; i < input.count; i++) {
    input.next(record);
    expectation.add(record.key, record.value, record.timestampMs);
  }
  return expectation.result();
}

// What Kafka Streams gives, and two other implementations of these inputs, at this scale.
test.each([
  ['W0', { outputRecords: 50_022, checksum: 'e915bfa1d153032f' }],
  ['W2', { outputRecords: 100_000, checksum: '132ea7778661a659' }],
  ['W6', { outputRecords: 0, checksum: '8653d06ec198a8cf' }],
] as const)('%s: the generated input leads to the known result', (workload, result) => {
  expect(expected(workload, 0.02)).toMatchObject(result);
});

test.each(['W1', 'W1j'] as const)('%s: the known number of groups fills up', (workload) => {
  expect(expected(workload, 0.02).outputRecords).toBe(7);
});

test('words of the generator are those of SplitMix64', () => {
  const mask = (1n << 64n) - 1n;
  const multiply = (a: bigint, b: bigint): bigint => (a * b) & mask;
  const mix = (z: bigint): bigint => {
    const first = multiply(z ^ (z >> 30n), 0xbf58476d1ce4e5b9n);
    const second = multiply(first ^ (first >> 27n), 0x94d049bb133111ebn);
    return second ^ (second >> 31n);
  };
  let state = 0xcbf29ce484222325n;
  for (const byte of Buffer.from('pass-0')) state = multiply(state ^ BigInt(byte), 0x100000001b3n);
  const random = new SplitMix64('pass-0');
  for (let i = 0; i < 1000; i++) {
    state = (state + 0x9e3779b97f4a7c15n) & mask;
    const word = random.next();
    expect(word.toBigInt()).toBe(mix(state));
    expect(word.modulo(4999)).toBe(Number(mix(state) % 4999n));
  }
});
