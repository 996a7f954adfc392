import { serdes, type Serde } from 'millrace';
import { readInt32, readInt64, writeInt32, writeInt64 } from '../../src/common/bytes.ts';

/** The formats of the workloads, as a user would write them. All integers and doubles are big-endian. */

/** W1: sum is a wrapping unsigned 64-bit sum in two halves. Immutable: each update makes another. */
export class RuleState {
  readonly count: number;
  readonly sumHigh: number;
  readonly sumLow: number;
  readonly firstMs: number;
  readonly lastMs: number;

  constructor(count: number, sumHigh: number, sumLow: number, firstMs: number, lastMs: number) {
    this.count = count;
    this.sumHigh = sumHigh;
    this.sumLow = sumLow;
    this.firstMs = firstMs;
    this.lastMs = lastMs;
  }

  add(high: number, low: number, timestampMs: number): RuleState {
    if (this.count === 0) return new RuleState(1, high, low, timestampMs, timestampMs);
    const sumLow = (this.sumLow >>> 0) + (low >>> 0);
    const carry = sumLow >= 0x1_0000_0000 ? 1 : 0;
    return new RuleState(
      this.count + 1,
      (this.sumHigh + high + carry) | 0,
      sumLow | 0,
      Math.min(this.firstMs, timestampMs),
      Math.max(this.lastMs, timestampMs),
    );
  }
}

export const NO_RECORDS = new RuleState(0, 0, 0, 0, 0);

const readRuleState = (bytes: Uint8Array, at: number): RuleState =>
  new RuleState(
    readInt64(bytes, at),
    readInt32(bytes, at + 8),
    readInt32(bytes, at + 12),
    readInt64(bytes, at + 16),
    readInt64(bytes, at + 24),
  );

/** count, sum, first and last time. */
export const ruleState: Serde<RuleState> = {
  serialize({ count, sumHigh, sumLow, firstMs, lastMs }) {
    const bytes = new Uint8Array(32);
    writeInt64(bytes, 0, count);
    writeInt32(bytes, 8, sumHigh);
    writeInt32(bytes, 12, sumLow);
    writeInt64(bytes, 16, firstMs);
    writeInt64(bytes, 24, lastMs);
    return bytes;
  },
  deserialize: (bytes) => readRuleState(bytes, 0),
  deserializeAt: readRuleState,
  immutable: true,
};

/** W1j: input. `u` is an unsigned 64-bit decimal. */
export interface Shuffle {
  readonly u: string;
  readonly p: string;
}

/** W1j: state and output. `sum` is an unsigned 64-bit decimal. */
export interface RuleJson {
  readonly count: number;
  readonly sum: string;
  readonly firstTs: number;
  readonly lastTs: number;
}

export const shuffleJson = serdes.json<Shuffle>();
export const ruleJson: Serde<RuleJson> = { ...serdes.json<RuleJson>(), immutable: true };

/** W2: input. */
export interface Reading {
  readonly id: number;
  readonly timestampMs: number;
  readonly watts: number;
}

/**
 * Doubles pass through one buffer: a `DataView` of the bytes themselves would have to be made for each value, and asking
 * a small `Uint8Array` for its `buffer` moves it off the heap.
 */
const doubles = new Float64Array(6);
const words = new DataView(doubles.buffer);
const doubleBytes = new Uint8Array(doubles.buffer);

function readDouble(bytes: Uint8Array, at: number): number {
  words.setInt32(0, readInt32(bytes, at));
  words.setInt32(4, readInt32(bytes, at + 4));
  return words.getFloat64(0);
}

const readReading = (bytes: Uint8Array, at: number): Reading => ({
  id: readInt64(bytes, at),
  timestampMs: readInt64(bytes, at + 8),
  watts: readDouble(bytes, at + 16),
});

export const reading: Serde<Reading> = {
  serialize({ id, timestampMs, watts }) {
    const bytes = new Uint8Array(24);
    writeInt64(bytes, 0, id);
    writeInt64(bytes, 8, timestampMs);
    words.setFloat64(0, watts);
    bytes.set(doubleBytes.subarray(0, 8), 16);
    return bytes;
  },
  deserialize: (bytes) => readReading(bytes, 0),
  deserializeAt: readReading,
};

/** W2: state. `squares` is the sum of squared deviations from the mean (Welford). Immutable. */
export class Stats {
  readonly count: number;
  readonly sum: number;
  readonly min: number;
  readonly max: number;
  readonly mean: number;
  readonly squares: number;

  constructor(count: number, sum: number, min: number, max: number, mean: number, squares: number) {
    this.count = count;
    this.sum = sum;
    this.min = min;
    this.max = max;
    this.mean = mean;
    this.squares = squares;
  }

  add(x: number): Stats {
    const count = this.count + 1;
    const delta = x - this.mean;
    const mean = this.mean + delta / count;
    return new Stats(
      count,
      this.sum + x,
      Math.min(this.min, x),
      Math.max(this.max, x),
      mean,
      this.squares + delta * (x - mean),
    );
  }
}

export const NO_STATS = new Stats(0, 0, Infinity, -Infinity, 0, 0);

function writeStats({ count, sum, min, max, mean }: Stats, last: number): Uint8Array {
  words.setFloat64(0, count);
  words.setFloat64(8, sum);
  words.setFloat64(16, min);
  words.setFloat64(24, max);
  words.setFloat64(32, mean);
  words.setFloat64(40, last);
  return doubleBytes.slice();
}

const readStats = (bytes: Uint8Array, at: number): Stats =>
  new Stats(
    readDouble(bytes, at),
    readDouble(bytes, at + 8),
    readDouble(bytes, at + 16),
    readDouble(bytes, at + 24),
    readDouble(bytes, at + 32),
    readDouble(bytes, at + 40),
  );

export const stats: Serde<Stats> = {
  serialize: (value) => writeStats(value, value.squares),
  deserialize: (bytes) => readStats(bytes, 0),
  deserializeAt: readStats,
  immutable: true,
};

/** W2: output; the last double is the variance. */
export const statsResult: Serde<Readonly<Stats>> = {
  serialize: (value) => writeStats(value, value.squares / value.count),
  deserialize() {
    throw new Error('results are only written');
  },
};

/** W6: a row; `timeMs` is 0 in the fill. */
export interface Row {
  readonly sequence: number;
  readonly timeMs: number;
  readonly rest: Uint8Array;
}

const readRow = (bytes: Uint8Array, start: number, end: number): Row => ({
  sequence: readInt64(bytes, start),
  timeMs: readInt64(bytes, start + 8),
  // From Node's pool: a typed array of its own takes 265 ns above 64 bytes, this 60.
  rest: Buffer.from(new Uint8Array(bytes.buffer, bytes.byteOffset + start + 16, end - start - 16)),
});

export const row: Serde<Row> = {
  serialize({ sequence, timeMs, rest }) {
    const bytes = Buffer.allocUnsafe(16 + rest.length);
    writeInt64(bytes, 0, sequence);
    writeInt64(bytes, 8, timeMs);
    bytes.set(rest, 16);
    return bytes;
  },
  deserialize: (bytes) => readRow(bytes, 0, bytes.length),
  deserializeAt: readRow,
  immutable: true,
};

/** W6: output. */
export interface Update {
  readonly sequence: number;
  readonly timeMs: number;
}

export const update: Serde<Update> = {
  serialize({ sequence, timeMs }) {
    const bytes = new Uint8Array(16);
    writeInt64(bytes, 0, sequence);
    writeInt64(bytes, 8, timeMs);
    return bytes;
  },
  deserialize: (bytes) => ({ sequence: readInt64(bytes, 0), timeMs: readInt64(bytes, 8) }),
};
