import fc from 'fast-check';
import { serdes } from '../../src/serde/serdes.ts';
import type { StoreBuilder } from '../../src/state/store-builder.ts';
import {
  asJoinStore,
  asOuterJoinStore,
  asSessionTableStore,
  asWindowTableStore,
} from '../../src/state/store-views.ts';
import {
  joinStoreBuilder,
  outerJoinStoreBuilder,
  sessionTableStoreBuilder,
  windowTableStoreBuilder,
} from '../../src/state/stores.ts';
import { StoreTask } from '../support/store-task.ts';
import type { StorageKind } from '../support/state-directories.ts';

interface Sum {
  n: number;
  /** Makes rows of a few KiB, so that a key's rows take several pages. */
  readonly padding: string;
}

/** One write: to the row of `key` and two times. */
interface At {
  readonly key: string;
  readonly time: number;
  readonly other: number;
  readonly n: number;
}

type Step =
  | { readonly kind: 'put' | 'add' | 'delete' | 'failing'; readonly at: At }
  | { readonly kind: 'flush' | 'seal' | 'written' | 'abort' | 'crash' | 'rebuild' };

const KEYS = ['', 'a', 'a\0\0\0\0', 'b'];
const at: fc.Arbitrary<At> = fc.record({
  key: fc.constantFrom(...KEYS),
  time: fc.oneof(fc.nat(9), fc.constantFrom(59_999, 60_000, 120_001)),
  other: fc.nat(2),
  n: fc.integer({ min: 1, max: 9 }),
});
const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    { weight: 8, arbitrary: fc.record({ kind: fc.constantFrom('put', 'add'), at }) },
    { weight: 2, arbitrary: fc.record({ kind: fc.constantFrom('delete', 'failing'), at }) },
    {
      weight: 4,
      arbitrary: fc.record({
        kind: fc.constantFrom('flush', 'seal', 'written', 'abort', 'crash', 'rebuild'),
      }),
    },
  ),
  { maxLength: 60 },
);

/** How one kind of store is driven, and what it must show of a map from row to sum. */
interface Kind {
  readonly builder: (storage: StorageKind, caching: boolean) => StoreBuilder;
  /** Only rows that are told apart by this are different. */
  readonly row: (where: At) => string;
  /** The new sum; null where the store does not have the operation. */
  readonly write: (
    task: StoreTask,
    where: At,
    kind: 'put' | 'add' | 'delete',
    before: number | null,
  ) => number | null;
  readonly show: (task: StoreTask) => string[];
  readonly expected: (rows: ReadonlyMap<string, number>) => string[];
  readonly listen?: (task: StoreTask, heard: Map<string, number>) => void;
}

const PADDING = 'x'.repeat(12_000);
const sumOf = (n: number): Sum => ({ n, padding: PADDING });
const common = (storage: StorageKind) => ({
  name: 'store',
  key: serdes.string,
  value: serdes.json<Sum>(),
  persistent: storage === 'level',
});
const byTimes = (rows: ReadonlyMap<string, number>, order: (row: string) => string): string[] =>
  [...rows]
    .sort(([a], [b]) => Buffer.compare(Buffer.from(order(a)), Buffer.from(order(b))))
    .map(([row, n]) => `${row}=${n}`);
const padded = (time: number | string): string => String(time).padStart(9, '0');
const heardOf =
  (heard: Map<string, number>) =>
  (row: string, newValue: Sum | null, oldValue: Sum | null): void => {
    expect(oldValue?.n ?? null).toBe(heard.get(row) ?? null);
    if (newValue === null) heard.delete(row);
    else heard.set(row, newValue.n);
    if (newValue !== null) newValue.n += 100; // the receiver's own
  };

const SESSIONS: Kind = {
  builder: (storage, caching) =>
    sessionTableStoreBuilder({ ...common(storage), retention: 1e9, caching, timeIndex: true }),
  row: ({ key, time, other }) => `${time}-${time + other}@${key}`,
  write: (task, { key, time, other, n }, kind, before) => {
    const store = asSessionTableStore<string, Sum>(task.store);
    const end = time + other;
    if (kind === 'delete') {
      store.update(key, time, end, null, end, []);
      return null;
    }
    if (kind === 'put') {
      store.updateShared(key, time, end, sumOf(n), end, []);
      return n;
    }
    const own = store.getOwn(key, time, end);
    expect(own?.n ?? null).toBe(before);
    const sum = own ?? sumOf(0);
    sum.n += n;
    store.update(key, time, end, sum, end, []);
    return (before ?? 0) + n; // not sum.n: the listener has had it
  },
  show: (task) => {
    const store = asSessionTableStore<string, Sum>(task.store);
    const ofKeys = KEYS.flatMap((key) =>
      store.findSessions(key, 0, 1e9).map(({ startMs, endMs }) => `${startMs}-${endMs}@${key}`),
    );
    const inTime = [...store.endedIn(0, 1e9)].map(({ key, startMs, endMs, value }) => {
      const shown = `${startMs}-${endMs}@${key}=${value.n}`;
      value.n += 100; // the caller's own
      return shown;
    });
    expect([...ofKeys].sort()).toEqual(
      inTime.map((row) => row.slice(0, row.lastIndexOf('='))).sort(),
    );
    return inTime;
  },
  expected: (rows) =>
    byTimes(rows, (row) => {
      const [start = '', end = ''] = row.slice(0, row.indexOf('@')).split('-');
      return padded(end) + padded(start) + row.slice(row.indexOf('@'));
    }),
  listen: (task, heard) => {
    const hear = heardOf(heard);
    asSessionTableStore<string, Sum>(task.store).listen(
      (key, startMs, endMs, newValue, oldValue) => {
        hear(`${startMs}-${endMs}@${key}`, newValue, oldValue);
      },
      { sendOldValues: true },
    );
  },
};

const WINDOWS: Kind = {
  builder: (storage, caching) =>
    windowTableStoreBuilder({
      ...common(storage),
      windowSize: 10,
      retention: 1e9,
      caching,
      ranges: true,
      timeIndex: true,
    }),
  row: ({ key, time }) => `${time}@${key}`,
  write: (task, { key, time, n }, kind, before) => {
    const store = asWindowTableStore<string, Sum>(task.store);
    if (kind === 'delete') {
      store.update(key, time, null, 1, []);
      return null;
    }
    if (kind === 'put') {
      store.updateShared(key, time, sumOf(n), 1, []);
      return n;
    }
    const own = store.getOwn(key, time)?.value;
    expect(own?.n ?? null).toBe(before);
    const sum = own ?? sumOf(0);
    sum.n += n;
    store.update(key, time, sum, 1, []);
    return (before ?? 0) + n; // not sum.n: the listener has had it
  },
  show: (task) => {
    const store = asWindowTableStore<string, Sum>(task.store);
    for (const key of KEYS) {
      const starts = store.windowsOf(key, 0, 1e9).map(({ windowStartMs }) => windowStartMs);
      expect(starts).toEqual([...starts].sort((a, b) => a - b));
    }
    return [...store.startedIn(0, 1e9)].map(
      ({ key, windowStartMs, value }) => `${windowStartMs}@${key}=${value.n}`,
    );
  },
  expected: (rows) =>
    byTimes(rows, (row) => padded(row.slice(0, row.indexOf('@'))) + row.slice(row.indexOf('@'))),
  listen: (task, heard) => {
    const hear = heardOf(heard);
    asWindowTableStore<string, Sum>(task.store).listen(
      (key, start, newValue, oldValue) => {
        hear(`${start}@${key}`, newValue, oldValue);
      },
      { sendOldValues: true },
    );
  },
};

/** A record is never changed: the model's number of a row says which records have been put, digit by digit. */
const JOINS: Kind = {
  builder: (storage) => joinStoreBuilder({ ...common(storage), windowSize: 10, retention: 1e9 }),
  row: ({ key, time }) => `${time}@${key}`,
  write: (task, { key, time, n }, kind, before) => {
    if (kind === 'delete' || (before ?? 0) > 1e9) return before;
    asJoinStore<string, Sum>(task.store).put(key, sumOf(n), time);
    return (before ?? 0) * 10 + n;
  },
  show: (task) =>
    KEYS.flatMap((key) => {
      const rows = new Map<string, number>();
      for (const { value, timestampMs } of asJoinStore<string, Sum>(task.store).fetch(
        key,
        0,
        1e9,
      )) {
        const row = `${timestampMs}@${key}`;
        rows.set(row, (rows.get(row) ?? 0) * 10 + value.n);
        value.n += 100; // the caller's own
      }
      return [...rows].map(([row, n]) => `${row}=${n}`);
    }),
  expected: (rows) =>
    byTimes(rows, (row) => {
      const at_ = row.indexOf('@');
      return String(KEYS.indexOf(row.slice(at_ + 1))) + padded(row.slice(0, at_));
    }),
};

const PENDING: Kind = {
  builder: (storage) => {
    const { value, ...options } = common(storage);
    return outerJoinStoreBuilder({ ...options, left: value, right: value });
  },
  row: ({ key, time, other }) => `${time} ${other === 0 ? 'left' : 'right'}@${key}`,
  write: (task, { key, time, other, n }, kind, before) => {
    const store = asOuterJoinStore<string, Sum, Sum>(task.store);
    const side = other === 0 ? 'left' : 'right';
    if (kind === 'delete') {
      store.remove(side, key, time);
      return null;
    }
    if ((before ?? 0) > 1e9) return before;
    store.put({ side, key, timestampMs: time, value: sumOf(n) });
    return (before ?? 0) * 10 + n;
  },
  show: (task) => {
    const rows = new Map<string, number>();
    for (const record of asOuterJoinStore<string, Sum, Sum>(task.store).pending()) {
      const row = `${record.timestampMs} ${record.side}@${record.key}`;
      rows.set(row, (rows.get(row) ?? 0) * 10 + record.value.n);
    }
    return [...rows].map(([row, n]) => `${row}=${n}`);
  },
  expected: (rows) =>
    byTimes(rows, (row) => {
      const [time = '', side = ''] = row.slice(0, row.indexOf('@')).split(' ');
      return padded(time) + (side === 'left' ? '1' : '0') + row.slice(row.indexOf('@'));
    }),
};

interface Variant {
  readonly storage: StorageKind;
  readonly cacheBytes: number;
  readonly objectsBytes: number;
}

async function run(kind: Kind, variant: Variant, all: readonly Step[]): Promise<void> {
  const { storage, cacheBytes, objectsBytes } = variant;
  const builder = kind.builder(storage, cacheBytes > 0);
  let task = await StoreTask.open({ builder, storage, cacheBytes, objectsBytes });
  let write: (() => Promise<void>) | null = null;
  let open = new Map<string, number>();
  let committed = new Map<string, number>();
  let heard = new Map<string, number>();
  let heardCommitted = new Map<string, number>();

  const listen = (): void => kind.listen?.(task, heard);
  const change = (where: At, how: 'put' | 'add' | 'delete'): void => {
    const row = kind.row(where);
    const n = kind.write(task, where, how, open.get(row) ?? null);
    if (n === null) open.delete(row);
    else open.set(row, n);
  };
  listen();
  for (const step of all) {
    switch (step.kind) {
      case 'put':
      case 'add':
      case 'delete':
        change(step.at, step.kind);
        break;
      case 'failing': {
        const before = new Map(open);
        const heardBefore = [...heard];
        task.failing(() => {
          change(step.at, 'add');
          change(step.at, 'add');
          change({ ...step.at, time: 3 }, 'delete');
        });
        open = before;
        heard.clear();
        for (const [row, n] of heardBefore) heard.set(row, n);
        break;
      }
      case 'flush':
        task.flush();
        break;
      case 'seal':
        await write?.();
        write = await task.commitUpToWrite();
        committed = new Map(open);
        heardCommitted = new Map(heard);
        if (kind.listen !== undefined) expect([...heard].sort()).toEqual([...open].sort());
        break;
      case 'written':
        await write?.();
        write = null;
        break;
      case 'abort':
        task.abort();
        open = new Map(committed);
        heard.clear();
        for (const [row, n] of heardCommitted) heard.set(row, n);
        break;
      case 'crash':
      case 'rebuild':
        write = null;
        task = step.kind === 'crash' ? await task.crash() : await task.rebuild();
        open = new Map(committed);
        heard = new Map(heardCommitted);
        listen();
        break;
    }
    expect(kind.show(task)).toEqual(kind.expected(open));
  }
  expect(task.recordCache.usedBytes).toBeLessThanOrEqual(cacheBytes);
  await task[Symbol.asyncDispose]();
}

describe.each([
  ['sessions', SESSIONS, [0, 1_000_000, 30_000]],
  ['windows with ranges', WINDOWS, [0, 1_000_000, 30_000]],
  ['records of a join', JOINS, [0]],
  ['pending records of an outer join', PENDING, [0]],
] as const)('%s agree with a plain map', (_, kind, caches) => {
  describe.each([
    ['memory', 60],
    ['level', 8],
  ] as const)('in %s, through commit, abort, crash, undo and restore', (storage, numRuns) => {
    test.each(
      caches.flatMap((cacheBytes) => [
        [cacheBytes, 1_000_000],
        [cacheBytes, 20_000],
      ]),
    )(
      'with %d bytes of record cache and %d of objects',
      async (cacheBytes = 0, objectsBytes = 0) => {
        const variant = { storage, cacheBytes, objectsBytes };
        await fc.assert(
          fc.asyncProperty(steps, (all) => run(kind, variant, all)),
          { numRuns },
        );
      },
      60_000,
    );
  });
});
