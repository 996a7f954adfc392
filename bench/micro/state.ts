// What the stores cost, without operators and broker, beside what a program without them would do.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LevelStateDirectory } from '../../src/adapters/level/level-state-directory.ts';
import { systemRandom } from '../../src/adapters/node/clock.ts';
import { NO_HEADERS } from '../../src/common/record.ts';
import { SILENT_LOGGER } from '../../src/observability/logger.ts';
import { MetricsRegistry } from '../../src/observability/metrics-registry.ts';
import type { Serde } from '../../src/serde/serde.ts';
import { serdes } from '../../src/serde/serdes.ts';
import type { ManagedStore } from '../../src/state/managed-store.ts';
import { MemoryTaskStorage } from '../../src/state/memory-task-storage.ts';
import { SharedObjectBudget } from '../../src/state/shared-object-budget.ts';
import { SharedRecordCache } from '../../src/state/shared-record-cache.ts';
import type { StoreBuilder } from '../../src/state/store-builder.ts';
import { asTableStore, asWindowTableStore } from '../../src/state/store-views.ts';
import { tableStoreBuilder, windowTableStoreBuilder } from '../../src/state/stores.ts';
import type { TaskStorage } from '../../src/state/task-storage.ts';
import { rate } from './rate.ts';

const RUNS = 5;
const MIB = 1_048_576;
const T0 = Date.UTC(2024, 0, 1);

interface Tally {
  count: number;
  total: number;
  worst: number;
}

interface OpenOptions {
  readonly storage: TaskStorage;
  readonly cacheBytes?: number;
  readonly objectsBytes?: number;
  readonly objects?: SharedObjectBudget;
}

let logged = 0;

function open(builder: StoreBuilder, options: OpenOptions): ManagedStore {
  const { storage, cacheBytes = 0, objectsBytes = 256 * MIB } = options;
  return builder.open({
    taskId: '0_0',
    storage,
    changelog: {
      append: (key, value) => {
        logged += key.length + (value?.length ?? 0);
      },
    },
    changelogTopic: 'bench-store-changelog',
    recordCache: new SharedRecordCache(cacheBytes),
    objects: options.objects ?? new SharedObjectBudget(objectsBytes),
    metrics: new MetricsRegistry(),
    tags: {},
    recordTimestampMs: () => 0,
    recordHeaders: () => NO_HEADERS,
    dropExpiredWindow: () => undefined,
  });
}

/** `run` gets the number of its round, so that each may write other rows. */
function measure(
  name: string,
  operations: number,
  run: (round: number) => void | Promise<void>,
): Promise<void> {
  let round = 0;
  return rate(name, { operations, rounds: RUNS, prepare: () => () => run(round++) });
}

const KEYS = Array.from({ length: 10_000 }, (_, n) => `customer-${n}`);
/** Not the very objects that the entries keep, as keys from a topic are not. */
const copyOf = (text: string): string => Buffer.from(text, 'latin1').toString('latin1');

async function counts(name: string, caching: boolean, cacheBytes: number): Promise<void> {
  const builder = tableStoreBuilder({
    name: 'counts',
    key: serdes.string,
    value: serdes.long,
    caching,
  });
  const store = open(builder, { storage: new MemoryTaskStorage(), cacheBytes });
  const table = asTableStore<string, number>(store);
  let forwarded = 0;
  table.listen(() => forwarded++, { sendOldValues: false });
  const keys = KEYS.map(copyOf);
  await measure(`${name}: getOwn + update, 10,000 keys`, 1_000_000, () => {
    for (let i = 0; i < 1_000_000; i++) {
      const key = keys[(i * 7919) % 10_000] ?? '';
      table.update(key, (table.getOwn(key)?.value ?? 0) + 1, i, NO_HEADERS);
    }
    store.flush();
    store.seal();
    store.written();
  });
}

async function tallies(name: string, cacheBytes: number): Promise<void> {
  const value: Serde<Tally> = serdes.json<Tally>();
  const caching = cacheBytes > 0;
  const builder = tableStoreBuilder({ name: 'tallies', key: serdes.string, value, caching });
  const store = open(builder, { storage: new MemoryTaskStorage(), cacheBytes });
  const table = asTableStore<string, Tally>(store);
  table.listen(() => undefined, { sendOldValues: false });
  await measure(`${name}: getOwn + update of a JSON object, 10,000 keys`, 200_000, () => {
    for (let i = 0; i < 200_000; i++) {
      const key = KEYS[(i * 7919) % 10_000] ?? '';
      const own = table.getOwn(key)?.value ?? { count: 0, total: 0, worst: 0 };
      own.count++;
      own.total += i & 63;
      own.worst = Math.max(own.worst, i & 63);
      table.update(key, own, i, NO_HEADERS);
    }
    store.flush();
    store.seal();
    store.written();
  });
}

/** As `tallies`, without objects in memory: each update reads the row and writes it. */
async function naiveTallies(): Promise<void> {
  const value: Serde<Tally> = serdes.json<Tally>();
  const site = { topic: 'naive', isKey: false, headers: NO_HEADERS };
  const rows = new Map<string, Uint8Array>();
  await measure('  a map of bytes, decoded and encoded each time', 200_000, () => {
    for (let i = 0; i < 200_000; i++) {
      const key = KEYS[(i * 7919) % 10_000] ?? '';
      const bytes = rows.get(key);
      const tally =
        bytes === undefined ? { count: 0, total: 0, worst: 0 } : value.deserialize(bytes, site);
      tally.count++;
      tally.total += i & 63;
      tally.worst = Math.max(tally.worst, i & 63);
      rows.set(key, value.serialize(tally, site));
    }
  });
}

async function windows(): Promise<void> {
  const builder = windowTableStoreBuilder({
    name: 'windows',
    key: serdes.string,
    value: serdes.long,
    windowSize: '1m',
    retention: '1d',
  });
  const store = open(builder, { storage: new MemoryTaskStorage() });
  const table = asWindowTableStore<string, number>(store);
  table.listen(() => undefined, { sendOldValues: false });
  await measure('windows: getOwn + update, 10,000 keys, 4 windows', 1_000_000, () => {
    for (let i = 0; i < 1_000_000; i++) {
      const key = KEYS[(i * 7919) % 10_000] ?? '';
      const startMs = (i & 3) * 60_000;
      table.update(key, startMs, (table.getOwn(key, startMs)?.value ?? 0) + 1, i, NO_HEADERS);
    }
    store.seal();
    store.written();
  });
}

async function withLevel(run: (storage: TaskStorage) => Promise<void>): Promise<void> {
  const stateDir = await mkdtemp(join(tmpdir(), 'millrace-bench-'));
  const directory = await LevelStateDirectory.open({
    stateDir,
    applicationId: 'bench',
    levelMemoryMaxBytes: 64 * MIB,
    levelMaxOpenFiles: 1_000,
    random: systemRandom,
    logger: SILENT_LOGGER,
    metrics: new MetricsRegistry(),
  });
  const request = { taskId: '0_0', clusterId: 'c', topologyFingerprint: 't', tasks: 1 };
  const { storage } = await directory.open(request);
  await run(storage);
  await directory.close();
  await rm(stateDir, { recursive: true });
}

async function levelCommits(): Promise<void> {
  await withLevel(async (storage) => {
    const builder = tableStoreBuilder({ name: 'counts', key: serdes.string, value: serdes.long });
    const store = open(builder, { storage, objectsBytes: 1 * MIB });
    const table = asTableStore<string, number>(store);
    const positions = new Map();
    await measure(
      'LevelDB: update and commit of 50,000 rows that are not in memory',
      50_000,
      async (round) => {
        for (let i = 0; i < 50_000; i++)
          table.update(`key-${(i * 7919 + round) % 1_000_000}`, i, i, NO_HEADERS);
        await storage.write({ entries: store.seal(), positions });
        store.written();
      },
    );
    await measure('LevelDB: get of a row that is not in memory', 50_000, (round) => {
      for (let i = 0; i < 50_000; i++) table.get(`key-${(i * 7919 + round) % 1_000_000}`);
    });
  });
  await withLevel(async (storage) => {
    const builder = tableStoreBuilder({ name: 'counts', key: serdes.string, value: serdes.long });
    const store = open(builder, { storage });
    const positions = new Map();
    const records = Array.from({ length: 100_000 }, (_, n) => ({
      key: Buffer.from(`key-${n}`),
      value: new Uint8Array(8),
      timestampMs: n,
    }));
    await measure('LevelDB: restore of 100,000 records, 1,000 at a time', 100_000, async () => {
      for (let at = 0; at < records.length; at += 1_000) {
        const entries = store.restore(records.slice(at, at + 1_000));
        await storage.write({ entries, positions });
      }
    });
  });
}

interface WeighedEntries<V> {
  readonly value: Serde<V>;
  readonly make: (n: number) => V;
}

/** What entries at rest take, beside what the budget counts: it must not count less. */
async function entryBytes<V>(name: string, { value, make }: WeighedEntries<V>): Promise<void> {
  const { gc } = globalThis;
  if (gc === undefined) return;
  const entries = 300_000;
  const objects = new SharedObjectBudget(1024 * MIB);
  const builder = tableStoreBuilder({ name: 'weighed', key: serdes.string, value });
  const store = open(builder, { storage: new MemoryTaskStorage(), objects });
  const table = asTableStore<string, V>(store);
  const heapBytes = (): number => {
    gc();
    const { heapUsed, external } = process.memoryUsage();
    return heapUsed + external;
  };
  const beforeBytes = heapBytes();
  for (let n = 0; n < entries; n++) table.update(`customer-${n}`, make(n), T0 + n, NO_HEADERS);
  const dirty = (heapBytes() - beforeBytes) / entries;
  store.seal();
  store.written();
  const clean = (heapBytes() - beforeBytes) / entries;
  const counted = objects.usedBytes / entries;
  console.log(
    `an entry with a 15-byte key and ${name}: ${Math.round(clean)} bytes at rest, ` +
      `${Math.round(counted)} counted; ${Math.round(dirty)} in an open transaction`,
  );
  await Promise.resolve(table.get('customer-1'));
}

await counts('counts, uncached', false, 0);
await counts('counts, cached', true, 64 * MIB);
await tallies('tallies, uncached', 0);
await tallies('tallies, cached', 64 * MIB);
await naiveTallies();
await windows();
await levelCommits();
await entryBytes('a number', { value: serdes.long, make: (n) => n });
await entryBytes('a tally of 40 bytes', {
  value: serdes.json<Tally>(),
  make: (n) => ({ count: n, total: n * 1.5, worst: n + 0.25 }),
});
await entryBytes('100 bytes', { value: serdes.bytes, make: () => new Uint8Array(100) });
console.log(`(${logged} bytes to a changelog that keeps nothing)`);
