import { readInt32 } from '../../src/common/bytes.ts';
import { AllRecords, LastRecords, type Result } from './result.ts';
import { RuleTotals, unsignedDecimal } from './rule-totals.ts';
import { windowKey } from './window-key.ts';
import { Word64 } from './word64.ts';
import { GROUP_SIZE, ROUTED_RULES, RULES, WINDOW_MS, type Workload } from './workloads.ts';

/** Sees every record of an input, those of a partition in their order, and says what a correct run gives. */
export interface Expectation {
  add(key: Uint8Array | null, value: Uint8Array, timestampMs: number): void;
  /** `outputRecords` is what comes out without a cache. */
  result(): Result;
}

/** By brute force, without any of the code that is measured. */
export function expectationOf(workload: Workload): Expectation {
  switch (workload) {
    case 'W0':
      return passThrough();
    case 'W1':
      return shuffle((value) => new Word64(readInt32(value, 0), readInt32(value, 4)));
    case 'W1j':
      return shuffle((value) => {
        const { u } = JSON.parse(Buffer.from(value).toString()) as { readonly u: string }; // our generator wrote it
        return unsignedDecimal(u);
      });
    case 'W2':
      return windows();
    case 'W6':
      return table();
  }
}

function passThrough(): Expectation {
  const all = new AllRecords();
  return {
    add(key, value) {
      if (((value[0] ?? 0) & 1) === 0) all.add(key, value);
    },
    result: () => ({ outputRecords: all.count, checksum: all.checksum(), rows: all.count }),
  };
}

function shuffle(numberOf: (value: Uint8Array) => Word64): Expectation {
  const totals = new RuleTotals();
  return {
    add(_key, value, timestampMs) {
      const sum = numberOf(value);
      const rule = sum.modulo(RULES);
      if (rule >= ROUTED_RULES) return;
      totals.add(`r${rule}`, { count: 1, sum, firstMs: timestampMs, lastMs: timestampMs });
    },
    result: () => ({
      outputRecords: totals.groups(GROUP_SIZE),
      checksum: totals.checksum(),
      rows: totals.rows,
    }),
  };
}

interface WindowOfSensor {
  readonly key: Uint8Array;
  readonly values: number[];
}

function windows(): Expectation {
  const byWindow = new Map<string, WindowOfSensor>();
  let records = 0;
  return {
    add(sensor, value, timestampMs) {
      records++;
      const start = Math.floor(timestampMs / WINDOW_MS) * WINDOW_MS;
      const key = windowKey(sensor, start);
      const row = Buffer.from(key).toString('latin1');
      let window = byWindow.get(row);
      if (window === undefined) byWindow.set(row, (window = { key, values: [] }));
      window.values.push(new DataView(value.buffer, value.byteOffset).getFloat64(16));
    },
    result() {
      const last = new LastRecords();
      for (const [row, { key, values }] of byWindow) last.set(row, key, statistics(values));
      return { outputRecords: records, checksum: last.checksum(), rows: last.rows };
    },
  };
}

/** Count, sum, least, greatest, mean and variance, as doubles. Welford's method: another one rounds otherwise. */
function statistics(values: readonly number[]): Uint8Array {
  let [count, sum, mean, squares] = [0, 0, 0, 0];
  for (const x of values) {
    count++;
    sum += x;
    const delta = x - mean;
    mean += delta / count;
    squares += delta * (x - mean);
  }
  const bytes = new Uint8Array(48);
  const view = new DataView(bytes.buffer);
  const doubles = [count, sum, Math.min(...values), Math.max(...values), mean, squares / count];
  doubles.forEach((double, index) => {
    view.setFloat64(8 * index, double);
  });
  return bytes;
}

function table(): Expectation {
  const all = new AllRecords(); // no key comes twice
  return {
    add(key, value) {
      all.add(key, value);
    },
    result: () => ({ outputRecords: 0, checksum: all.checksum(), rows: all.count }),
  };
}
