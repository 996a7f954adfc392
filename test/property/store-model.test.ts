import fc from 'fast-check';
import { serdes } from '../../src/serde/serdes.ts';
import type { Serde } from '../../src/serde/serde.ts';
import {
  asKeyValueStore,
  asTableStore,
  committedKeyValueView,
} from '../../src/state/store-views.ts';
import { tableStoreBuilder } from '../../src/state/stores.ts';
import { collect, StoreTask } from '../support/store-task.ts';
import type { StorageKind } from '../support/state-directories.ts';

interface Tally {
  n: number;
}

/** What a run does to a store, and to the plain maps beside it. */
type Step =
  | { readonly kind: 'put' | 'add' | 'failing'; readonly key: string; readonly n: number }
  | { readonly kind: 'delete' | 'get'; readonly key: string }
  | {
      readonly kind:
        'commit' | 'flush' | 'seal' | 'written' | 'abort' | 'crash' | 'rebuild' | 'scan';
    };

const key = fc.constantFrom('', 'a', 'a\0', 'b', 'ba', '\ud800', '?', 'é', 'ÿ');
const n = fc.integer({ min: 1, max: 9 });
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constantFrom('put', 'add'), key, n }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('failing'), key, n }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constantFrom('delete', 'get'), key }) },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constantFrom(
        'commit',
        'flush',
        'seal',
        'written',
        'abort',
        'crash',
        'rebuild',
        'scan',
      ),
    }),
  },
);

/** What the store must hold: `open` as the task sees it, `committed` as queries do. */
class Model {
  open = new Map<string, number>();
  committed = new Map<string, number>();

  set(of: string, value: number | null): void {
    // Half a surrogate pair is written as ?.
    const known = of.toWellFormed().replace('\ufffd', '?');
    if (value === null) this.open.delete(known);
    else this.open.set(known, value);
  }

  get(of: string): number | null {
    return this.open.get(of.toWellFormed().replace('\ufffd', '?')) ?? null;
  }
}

const inByteOrder = (rows: ReadonlyMap<string, number>): [string, number][] =>
  [...rows].sort(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b)));

interface Values<V> {
  readonly serde: Serde<V>;
  readonly of: (count: number) => V;
  readonly countOf: (value: V) => number;
  /** Adds in place where values can be changed. */
  readonly plus: (value: V, count: number) => V;
}

const NUMBERS: Values<number> = {
  serde: serdes.long,
  of: (count) => count,
  countOf: (value) => value,
  plus: (value, count) => value + count,
};

const OBJECTS: Values<Tally> = {
  serde: serdes.json<Tally>(),
  of: (count) => ({ n: count }),
  countOf: (value) => value.n,
  plus: (value, count) => {
    value.n += count;
    return value;
  },
};

interface Variant {
  readonly storage: StorageKind;
  readonly cacheBytes: number;
  readonly objectsBytes: number;
}

async function run<V>(values: Values<V>, variant: Variant, steps: readonly Step[]): Promise<void> {
  const { storage, cacheBytes, objectsBytes } = variant;
  const builder = tableStoreBuilder({
    name: 'store',
    key: serdes.string,
    value: values.serde,
    caching: cacheBytes > 0,
    persistent: storage === 'level',
  });
  let task = await StoreTask.open({ builder, storage, cacheBytes, objectsBytes });
  let write: (() => Promise<void>) | null = null;
  const model = new Model();
  /** As somebody downstream knows the table: by its changes alone, committed or not. */
  let downstream = new Map<string, number>();
  let downstreamCommitted = new Map<string, number>();

  const listen = (): void => {
    asTableStore<string, V>(task.store).listen(
      (of, newValue, oldValue) => {
        const known = of.toWellFormed().replace('\ufffd', '?');
        expect(oldValue === null ? null : values.countOf(oldValue)).toBe(
          downstream.get(known) ?? null,
        );
        if (newValue === null) downstream.delete(known);
        else downstream.set(known, values.countOf(newValue));
        if (newValue !== null) values.plus(newValue, 100); // the receiver's own
      },
      { sendOldValues: true },
    );
  };
  const add = (of: string, count: number): void => {
    const table = asTableStore<string, V>(task.store);
    const own = table.getOwn(of)?.value;
    table.update(of, own === undefined ? values.of(count) : values.plus(own, count), 1, []);
  };
  const finishWrite = async (): Promise<void> => {
    await write?.();
    write = null;
  };
  const commitUpToWrite = async (): Promise<void> => {
    await finishWrite();
    write = await task.commitUpToWrite();
    expect(inByteOrder(downstream)).toEqual(inByteOrder(model.open));
    model.committed = new Map(model.open);
    downstreamCommitted = new Map(downstream);
  };
  const forgetOpen = (): void => {
    model.open = new Map(model.committed);
    downstream = new Map(downstreamCommitted);
  };

  listen();
  for (const { kind, ...at } of steps) {
    const of = 'key' in at ? at.key : '';
    const count = 'n' in at ? at.n : 0;
    switch (kind) {
      case 'put':
        asTableStore<string, V>(task.store).updateShared(of, values.of(count), 1, []);
        model.set(of, count);
        break;
      case 'add':
        add(of, count);
        model.set(of, (model.get(of) ?? 0) + count);
        break;
      case 'delete':
        asTableStore<string, V>(task.store).update(of, null, 1, []);
        model.set(of, null);
        break;
      case 'failing': {
        const before = new Map(downstream);
        task.failing(() => {
          add(of, count);
          add(of, count);
          asTableStore<string, V>(task.store).update('b', null, 1, []);
        });
        downstream = before;
        break;
      }
      case 'get': {
        const value = asTableStore<string, V>(task.store).get(of)?.value ?? null;
        expect(value === null ? null : values.countOf(value)).toBe(model.get(of));
        if (value !== null) values.plus(value, 100); // the caller's own
        break;
      }
      case 'scan': {
        const rows = await collect(asKeyValueStore<string, V>(task.store).all());
        expect(rows.map(([k, v]) => [k, values.countOf(v)])).toEqual(inByteOrder(model.open));
        const committed = await collect(committedKeyValueView<string, V>(task.store).all());
        expect(committed.map(([k, v]) => [k, values.countOf(v)])).toEqual(
          inByteOrder(model.committed),
        );
        break;
      }
      case 'flush':
        task.flush();
        break;
      case 'seal':
        await commitUpToWrite();
        break;
      case 'written':
        await finishWrite();
        break;
      case 'commit':
        await commitUpToWrite();
        await finishWrite();
        break;
      case 'abort':
        task.abort();
        forgetOpen();
        break;
      case 'crash':
      case 'rebuild':
        write = null;
        task = kind === 'crash' ? await task.crash() : await task.rebuild();
        listen();
        forgetOpen();
        break;
    }
    const view = committedKeyValueView<string, V>(task.store);
    const committed = view.get(of);
    expect(committed === null ? null : values.countOf(committed)).toBe(
      model.committed.get(of.toWellFormed().replace('\ufffd', '?')) ?? null,
    );
  }
  expect(task.recordCache.usedBytes).toBeLessThanOrEqual(cacheBytes);
  expect(task.objects.usedBytes).toBeLessThanOrEqual(objectsBytes);
  await task[Symbol.asyncDispose]();
}

describe.each([
  ['memory', 300],
  ['level', 20],
] as const)('a table store in %s agrees with a plain map', (storage, numRuns) => {
  test.each([
    ['uncached', 0, 100_000],
    ['uncached, few objects kept', 0, 700],
    ['cached', 100_000, 100_000],
    ['cached, with evictions, few objects kept', 250, 700],
  ])(
    'through commit, abort, crash, undo and restore: %s',
    async (_, cacheBytes, objectsBytes) => {
      const steps = fc.array(step, { maxLength: 40 });
      const variant = { storage, cacheBytes, objectsBytes };
      await fc.assert(
        fc.asyncProperty(steps, fc.boolean(), (all, objects) =>
          objects ? run(OBJECTS, variant, all) : run(NUMBERS, variant, all),
        ),
        { numRuns },
      );
    },
    60_000,
  );
});
