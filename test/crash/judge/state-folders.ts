import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { ClassicLevel } from 'classic-level';
import type { Case } from './case.ts';
import type { Dump, DumpRecord } from './dump.ts';
import type { Findings } from './findings.ts';

const META = 0x00;
const ROW = 0x01;
const TASK = /^\d+_(\d+)$/;

interface StoreRows {
  readonly name: string;
  readonly layout: string;
  /** Changelog key to row, both as hex digits. */
  readonly rows: Map<string, string>;
}

interface Database {
  readonly stores: ReadonlyMap<number, StoreRows>;
  /** By changelog topic: offset of the next record. */
  readonly positions: ReadonlyMap<string, number>;
}

/**
 * What is on disk, read from docs/formats.md with nothing of the library: in every folder, whatever happened to its owner,
 * each store is exactly its committed changelog below the position beside it. Of each task one folder is at the end, and
 * the folder that was made from nothing is at the end everywhere.
 */
export async function judgeStateFolders(
  { applicationId, folders, freshFolder }: Case,
  dump: Dump,
  findings: Findings,
): Promise<void> {
  const changelogs = [...dump.records.keys()].filter(
    (topic) => topic.startsWith(`${applicationId}-`) && topic.endsWith('-changelog'),
  );
  const isTicks = (topic: string): boolean => topic === `${applicationId}-ticks-changelog`;
  const atEnd = new Set<string>();
  for (const folder of folders) {
    for (const complete of await judgeFolder(folder, dump, findings)) atEnd.add(complete);
  }
  const freshAtEnd = await judgeFolder(freshFolder, dump, findings);
  for (const topic of changelogs) {
    (dump.records.get(topic) ?? []).forEach((records, partition) => {
      const name = `${topic}-${partition}`;
      if (records.length === 0) return;
      // The instance that was made last has gone on ticking.
      if (!isTicks(topic) && !atEnd.has(name))
        findings.add('state', `no folder has all of ${name}`);
      if (!freshAtEnd.has(name))
        findings.add('state', `a restore from nothing lacks some of ${name}`);
    });
  }
}

/** Returns the changelog partitions whose stores are at the end. */
async function judgeFolder(folder: string, dump: Dump, findings: Findings): Promise<Set<string>> {
  const complete = new Set<string>();
  const names = await readdir(folder).catch(() => []);
  for (const task of names) {
    const partition = TASK.exec(task)?.[1];
    if (partition === undefined) continue;
    const path = join(folder, task);
    const { stores, positions } = await readDatabase(path);
    for (const { name, layout, rows } of stores.values()) {
      const topic = [...positions.keys()].find((known) => known.endsWith(`-${name}-changelog`));
      if (topic === undefined) {
        if (rows.size > 0) findings.add('state', `${path} has rows of ${name} and no position`);
        continue;
      }
      const position = positions.get(topic) ?? 0;
      const log = dump.records.get(topic)?.[Number(partition)] ?? [];
      compareRows(`${path} ${name}`, rows, fold(log, position, layout), findings);
      if (position > (log.at(-1)?.offset ?? -1)) complete.add(`${topic}-${partition}`);
    }
  }
  return complete;
}

function fold(log: readonly DumpRecord[], position: number, layout: string): Map<string, string> {
  const rows = new Map<string, string>();
  for (const { key, value, offset, timestampMs } of log) {
    if (offset >= position) break;
    if (value === '-') rows.delete(key.slice(1));
    else
      rows.set(
        key.slice(1),
        `${layout.startsWith('timestamped') ? hex(timestampMs) : ''}${value.slice(1)}`,
      );
  }
  return rows;
}

function compareRows(
  subject: string,
  rows: ReadonlyMap<string, string>,
  expected: ReadonlyMap<string, string>,
  findings: Findings,
): void {
  for (const [key, value] of expected) {
    findings.checked();
    const found = rows.get(key);
    if (found !== value) findings.add(subject, `${key} is ${found ?? 'missing'}, not ${value}`);
  }
  for (const key of rows.keys()) {
    if (!expected.has(key)) findings.add(subject, `${key} is not in the changelog`);
  }
}

async function readDatabase(path: string): Promise<Database> {
  const db = new ClassicLevel<Buffer, Buffer>(path, {
    keyEncoding: 'buffer',
    valueEncoding: 'buffer',
    createIfMissing: false,
  });
  await db.open();
  const stores = new Map<number, StoreRows>();
  const positions = new Map<string, number>();
  try {
    for await (const [key, value] of db.iterator()) {
      if (key[0] === META) readMeta(key.toString('utf8', 1), value, stores, positions);
      else if (key[0] === ROW) readRow(key, value, stores);
      else throw new Error(`${path} has a row that docs/formats.md does not know`);
    }
  } finally {
    await db.close();
  }
  return { stores, positions };
}

function readMeta(
  name: string,
  value: Buffer,
  stores: Map<number, StoreRows>,
  positions: Map<string, number>,
): void {
  if (name.startsWith('store/')) {
    const layout = value.toString('latin1', 2);
    stores.set(value.readUInt16BE(0), { name: name.slice(6), layout, rows: new Map() });
  } else if (name.startsWith('changelog/')) {
    positions.set(name.slice(10), Number(value.readBigInt64BE(0)));
  }
}

/** Meta rows come first in key order, so the store is known. */
function readRow(key: Buffer, value: Buffer, stores: ReadonlyMap<number, StoreRows>): void {
  const store = stores.get(key.readUInt16BE(1));
  if (store === undefined)
    throw new Error(`a row of a store without a number: ${key.toString('hex')}`);
  const isWindow = store.layout.endsWith('window');
  // Of a window: after the slice, and with the sequence number that a changelog key ends in.
  const logKey = isWindow ? `${key.toString('hex', 11)}00000000` : key.toString('hex', 3);
  store.rows.set(logKey, value.toString('hex'));
}

function hex(timestampMs: number): string {
  const bytes = Buffer.alloc(8);
  bytes.writeBigInt64BE(BigInt(timestampMs));
  return bytes.toString('hex');
}
