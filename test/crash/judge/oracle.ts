import { fieldOf, textOf, type DumpRecord } from './dump.ts';

/** What a record must look like; the fields are those of `Dump.java`. */
export interface Expected {
  readonly key: string;
  readonly value: string;
  readonly timestampMs: number;
  readonly headers: string;
}

/** What the first half of the topology makes of one input partition. */
export interface FirstHalf {
  readonly priced: readonly Expected[];
  readonly byItem: readonly Expected[];
  readonly dead: readonly Expected[];
  readonly pricesLog: readonly Expected[];
}

/** What the second half makes of one partition of the repartition topic. */
export interface SecondHalf {
  readonly totals: readonly Expected[];
  readonly windows: readonly Expected[];
  readonly totalsLog: readonly Expected[];
  readonly windowsLog: readonly Expected[];
  readonly seenLog: readonly Expected[];
}

interface Entry {
  readonly id: string;
  readonly kind: string;
  readonly item: string;
  readonly amount: number;
}

const WINDOW_MS = 10_000;
const NO_HEADERS = '-';

/** The topology of the crash test once more, written for this program alone: what comes of a record is its own lines. */
export function firstHalf(input: readonly DumpRecord[]): FirstHalf {
  const prices = new Map<string, number>();
  const half = {
    priced: [] as Expected[],
    byItem: [] as Expected[],
    dead: [] as Expected[],
    pricesLog: [] as Expected[],
  };
  for (const { key, value, timestampMs, headers, partition, offset, topic } of input) {
    const entry = parsed(value);
    if (entry === null) {
      const where = `__streams.errors.topic=${fieldOf(topic)},__streams.errors.partition=${fieldOf(String(partition))},__streams.errors.offset=${fieldOf(String(offset))}`;
      half.dead.push({ key, value, timestampMs, headers: `${headers},${where}` });
    } else if (entry.kind === 'price') {
      prices.set(key, entry.amount);
      half.pricesLog.push({ key, value, timestampMs, headers: NO_HEADERS });
    } else {
      const price = prices.get(key);
      if (price === undefined) continue;
      const { id, item, amount } = entry;
      const sale = fieldOf(JSON.stringify({ id, item, cost: amount * price }));
      half.priced.push({ key, value: sale, timestampMs, headers });
      half.byItem.push({ key: fieldOf(item), value: sale, timestampMs, headers });
    }
  }
  return half;
}

export function secondHalf(input: readonly DumpRecord[]): SecondHalf {
  const totals = new Map<string, { count: number; total: number; timestampMs: number }>();
  const windows = new Map<string, { count: number; timestampMs: number }>();
  const seen = new Map<string, number>();
  const half = {
    totals: [] as Expected[],
    windows: [] as Expected[],
    totalsLog: [] as Expected[],
    windowsLog: [] as Expected[],
    seenLog: [] as Expected[],
  };
  for (const { key, value, timestampMs, headers } of input) {
    const { id, cost } = JSON.parse(textOf(value)) as { id: string; cost: number };

    const old = totals.get(key);
    const count = (old?.count ?? 0) + 1;
    const total = (old?.total ?? 0) + cost;
    const totalMs = Math.max(timestampMs, old?.timestampMs ?? 0);
    totals.set(key, { count, total, timestampMs: totalMs });
    const row = fieldOf(JSON.stringify({ count, total, last: id }));
    half.totals.push({ key, value: row, timestampMs: totalMs, headers });
    half.totalsLog.push({ key, value: row, timestampMs: totalMs, headers: NO_HEADERS });

    const startMs = timestampMs - (timestampMs % WINDOW_MS);
    const windowKey = `${key}${int64(startMs)}`;
    const window = windows.get(windowKey);
    const inWindow = (window?.count ?? 0) + 1;
    const windowTimeMs = Math.max(timestampMs, window?.timestampMs ?? 0);
    windows.set(windowKey, { count: inWindow, timestampMs: windowTimeMs });
    const update = { value: `x${int64(inWindow)}`, timestampMs: windowTimeMs };
    half.windows.push({ key: windowKey, ...update, headers });
    half.windowsLog.push({ key: `${windowKey}00000000`, ...update, headers: NO_HEADERS });

    const times = (seen.get(id) ?? 0) + 1;
    seen.set(id, times);
    const logged = { key: fieldOf(id), value: `x${int64(times)}`, timestampMs };
    half.seenLog.push({ ...logged, headers: NO_HEADERS });
  }
  return half;
}

export function int64(value: number): string {
  const bytes = Buffer.alloc(8);
  bytes.writeBigInt64BE(BigInt(value));
  return bytes.toString('hex');
}

function parsed(value: string): Entry | null {
  try {
    return JSON.parse(textOf(value)) as Entry;
  } catch {
    return null;
  }
}
