import { writeInt64 } from '../../src/common/bytes.ts';
import { defaultPartition } from '../../src/common/murmur2.ts';
import { SplitMix64, Word64 } from './word64.ts';
import { PARTITIONS, scaled, SECONDS, START_MS, type Workload } from './workloads.ts';

/** One record of an input; it and its bytes are overwritten by the next one. */
export interface InputRecord {
  key: Uint8Array | null;
  value: Uint8Array;
  partition: number;
  timestampMs: number;
}

/** The records of one input in the order in which they are written. */
export interface InputRecords {
  readonly count: number;
  /** Makes the next record; call it `count` times. */
  next(into: InputRecord): void;
}

export const EMPTY_RECORD: Readonly<InputRecord> = {
  key: null,
  value: new Uint8Array(0),
  partition: 0,
  timestampMs: 0,
};

/**
 * The input of a workload: the same bytes at every run, in every implementation of this benchmark.
 *
 *     W0    5 000 000   key 16 and value 84 random bytes, ten records a millisecond of event time
 *     W1    1 000 000   no key, value 1024 random bytes; the broker sets the time
 *     W1j   1 000 000   as W1, the value as JSON: {"u":"<first 8 bytes, decimal>","p":"<hex of the next 488>"}
 *     W2    5 000 000   10 000 sensors, one record each in each of 500 seconds: number, time, 10.0
 *     W6    5 000 000   key 16 hex digits, value: number, 0, 84 random bytes
 *
 * `scale` multiplies the counts; of W2 the sensors.
 */
export function inputRecords(workload: Workload, scale: number): InputRecords {
  switch (workload) {
    case 'W0':
      return passThroughRecords(scaled(5_000_000, scale));
    case 'W1':
      return shuffleRecords(scaled(1_000_000, scale), (value) => value);
    case 'W1j':
      return shuffleRecords(scaled(1_000_000, scale), shuffleJson);
    case 'W2':
      return sensorRecords(scaled(10_000, scale));
    case 'W6':
      return tableRecords(scaled(5_000_000, scale));
  }
}

function passThroughRecords(count: number): InputRecords {
  const random = new SplitMix64('pass-0');
  const key = new Uint8Array(16);
  const value = new Uint8Array(84);
  let i = 0;
  return {
    count,
    next(into) {
      random.fill(key, 0, 16);
      random.fill(value, 0, 84);
      into.key = key;
      into.value = value;
      into.partition = defaultPartition(key, PARTITIONS);
      into.timestampMs = START_MS + Math.floor(i++ / 10);
    },
  };
}

function shuffleRecords(count: number, encode: (value: Uint8Array) => Uint8Array): InputRecords {
  const random = new SplitMix64('shuffle-0');
  const value = new Uint8Array(1024);
  let i = 0;
  return {
    count,
    next(into) {
      random.fill(value, 0, 1024);
      into.key = null;
      into.value = encode(value);
      into.partition = i++ % PARTITIONS;
      into.timestampMs = Date.now(); // the topic has LogAppendTime
    },
  };
}

function shuffleJson(value: Uint8Array): Uint8Array {
  const bytes = Buffer.from(value.buffer);
  const u = bytes.readBigUInt64BE(0);
  return Buffer.from(`{"u":"${u}","p":"${bytes.toString('hex', 8, 496)}"}`, 'latin1');
}

function sensorRecords(sensors: number): InputRecords {
  const keys = Array.from({ length: sensors }, (_, sensor) =>
    Buffer.from(`s_${String(sensor).padStart(5, '0')}`, 'latin1'),
  );
  const partitions = keys.map((key) => defaultPartition(key, PARTITIONS));
  const value = new Uint8Array(24);
  new DataView(value.buffer).setFloat64(16, 10);
  let i = 0;
  return {
    count: sensors * SECONDS,
    next(into) {
      const sensor = i % sensors;
      const timestampMs = START_MS + 1000 * Math.floor(i++ / sensors);
      writeInt64(value, 0, sensor);
      writeInt64(value, 8, timestampMs);
      into.key = keys[sensor] ?? null;
      into.value = value;
      into.partition = partitions[sensor] ?? 0;
      into.timestampMs = timestampMs;
    },
  };
}

function tableRecords(count: number): InputRecords {
  const random = new SplitMix64('restore-0');
  let i = 0;
  return {
    count,
    next(into) {
      into.key = tableKey(i);
      into.value = tableValue(random, i, 0);
      into.partition = defaultPartition(into.key, PARTITIONS);
      into.timestampMs = START_MS + i++;
    },
  };
}

const keyWord = new Word64();

/** W6: the key of the row with this number. */
export function tableKey(row: number): Uint8Array {
  return Buffer.from(
    keyWord
      .set(0, row + 1)
      .mix()
      .toString(),
    'latin1',
  );
}

/** W6: a row; `timeMs` is 0 in the fill and the wall clock in a live update. */
export function tableValue(random: SplitMix64, sequence: number, timeMs: number): Uint8Array {
  const value = new Uint8Array(100);
  writeInt64(value, 0, sequence);
  writeInt64(value, 8, timeMs);
  random.fill(value, 16, 84);
  return value;
}
