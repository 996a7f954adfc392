// What choosing a partition costs: our murmur2, and kafkajs' for comparison.
import { createRequire } from 'node:module';
import { defaultPartition } from '../../src/common/murmur2.ts';
import { rate } from './rate.ts';

const KEYS = Array.from({ length: 10_000 }, (_, n) => Buffer.from(`customer-${n}`));
const PARTITIONS = 12;

// kafkajs has no types for what it does not export.
const kafkajs = createRequire(createRequire(import.meta.url).resolve('kafkajs'));
const theirs = kafkajs('./src/producer/partitioners/default/murmur2.js') as (key: Buffer) => number;

let sum = 0;
await rate('partition of a key of 13 bytes', {
  operations: KEYS.length,
  prepare: () => () => {
    for (const key of KEYS) sum += defaultPartition(key, PARTITIONS);
  },
});
await rate('  by kafkajs', {
  operations: KEYS.length,
  prepare: () => () => {
    for (const key of KEYS) sum += (theirs(key) & 0x7fffffff) % PARTITIONS;
  },
});
if (sum < 0) throw new Error('no partition is negative');
