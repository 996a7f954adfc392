import { cp, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ClassicLevel } from 'classic-level';
import {
  ownerRows,
  positionRow,
  readMeta,
  storeRow,
} from '../../../src/adapters/level/level-meta.ts';
import { readLog, type LogFile } from '../../../src/adapters/level/leveldb-log.ts';
import { applyEdit, emptyManifest } from '../../../src/adapters/level/leveldb-manifest.ts';
import { preflight } from '../../../src/adapters/level/preflight.ts';
import type { Chance } from '../chance.ts';
import { cut, mutate } from '../mutate.ts';
import { givesValueOr, type FuzzTarget } from '../target.ts';

const COMMITS = 40;
const ROWS = 4;
const SECTOR_BYTES = 512;
/** Of those that preflight let pass, so many are opened: opening takes a hundred times as long. */
const OPENED_ONE_IN = 20;

const BYTES = { keyEncoding: 'utf8', valueEncoding: 'buffer' } as const;

/**
 * A database whose commits are numbered, in a folder: some in a table, the last in the log. Each commit writes its number
 * to some rows, so what is found later tells whether it is a prefix of what was committed.
 */
export async function writeDatabase(folder: string): Promise<void> {
  for (const half of [0, 1]) {
    const db = new ClassicLevel<string, Buffer>(folder, BYTES);
    await db.open();
    for (let commit = 1; commit <= COMMITS; commit++) {
      const number = half * COMMITS + commit;
      const batch = db.batch();
      for (let row = 0; row < ROWS; row++) batch.put(`row ${number % 7} ${row}`, valueOf(number));
      batch.put('commit', valueOf(number));
      await batch.write();
    }
    await db.close();
  }
}

function valueOf(commit: number): Buffer {
  const value = Buffer.alloc(60 + (commit % 5) * 100, commit);
  value.writeUInt32BE(commit);
  return value;
}

/**
 * A damaged folder: preflight says damaged, or what LevelDB then serves is a prefix of the commits, cut where a crash could
 * have cut it. `folder` is the target's own.
 */
export async function preflightTarget(folder: string): Promise<FuzzTarget> {
  const original = join(folder, 'original');
  const damaged = join(folder, 'damaged');
  await writeDatabase(original);
  const files = new Map<string, Buffer>();
  for (const name of (await readdir(original)).sort()) {
    if (/^(CURRENT|MANIFEST-|\d+\.(log|ldb)$)/.test(name)) {
      files.set(name, await readFile(join(original, name)));
    }
  }
  await cp(original, damaged, { recursive: true });
  const names = [...files.keys()];
  return {
    name: 'preflight',
    create(chance) {
      const name = chance.pick(names);
      const path = join(damaged, name);
      const whole = files.get(name) ?? Buffer.alloc(0);
      const isLost = chance.oneIn(20);
      const bytes = damage(whole, chance);
      const isOpened = chance.oneIn(OPENED_ONE_IN);
      let found = '';
      return {
        what: isLost ? `${name} is lost` : name,
        bytes,
        async run() {
          if (isLost) await rm(path, { force: true });
          else await writeFile(path, bytes);
          ({ kind: found } = await preflight(damaged));
        },
        async verify() {
          try {
            // A table is checked by its size only.
            if (isOpened && found === 'sound' && !name.endsWith('.ldb')) {
              await expectPrefix(damaged, join(folder, 'opened'));
            }
          } finally {
            await writeFile(path, whole);
          }
        },
      };
    },
  };
}

async function expectPrefix(damaged: string, opened: string): Promise<void> {
  await mkdir(opened);
  try {
    await cp(damaged, opened, { recursive: true });
    const db = new ClassicLevel<string, Buffer>(opened, { ...BYTES, createIfMissing: false });
    await db.open();
    const commit = (await db.get('commit'))?.readUInt32BE() ?? 0;
    if (commit < COMMITS) throw new Error(`the table's commits are gone: ${commit}`);
    for (let number = Math.max(1, commit - 6); number <= commit; number++) {
      for (let row = 0; row < ROWS; row++) {
        const found = await db.get(`row ${number % 7} ${row}`);
        if (!found?.equals(valueOf(number))) {
          throw new Error(`commit ${commit} is there, row ${row} of ${number} is not`);
        }
      }
    }
    await db.close();
  } finally {
    await rm(opened, { recursive: true });
  }
}

/** A log file in memory: what is read of it is a prefix of what was written, or the damage is found. */
export async function logTarget(folder: string): Promise<FuzzTarget> {
  await writeDatabase(folder);
  const names = (await readdir(folder)).filter((name) => /^MANIFEST-|\.log$/.test(name)).sort();
  const samples = await Promise.all(names.map((name) => sampleOf(join(folder, name))));
  const edits = samples.flatMap(({ records }) => records);
  return {
    name: 'preflight-log',
    create(chance) {
      if (chance.oneIn(4)) return editCase(chance.pick(edits), chance);
      const { whole, records } = chance.pick(samples);
      const bytes = damage(whole, chance);
      return {
        what: 'a log',
        bytes,
        extraBytes: 1 << 16, // the block, and the records that are kept here to compare
        async run() {
          const found: Uint8Array[] = [];
          const end = await readLog(memoryFile(bytes), (record) => found.push(record));
          const isPrefix = found.every(
            (record, index) => Buffer.compare(record, records[index] ?? EMPTY) === 0,
          );
          if (end.kind !== 'hole' && !isPrefix) throw new Error(`${end.kind}, but no prefix`);
        },
      };
    },
  };
}

const EMPTY = new Uint8Array(0);

function editCase(edit: Uint8Array, chance: Chance): ReturnType<FuzzTarget['create']> {
  const bytes = mutate(edit, chance);
  return {
    what: 'an edit of a MANIFEST',
    bytes,
    run: () => {
      applyEdit(emptyManifest(), bytes);
    },
  };
}

async function sampleOf(
  path: string,
): Promise<{ readonly whole: Buffer; readonly records: readonly Uint8Array[] }> {
  const whole = await readFile(path);
  const records: Uint8Array[] = [];
  await readLog(memoryFile(whole), (record) => records.push(record));
  return { whole, records };
}

function memoryFile(bytes: Uint8Array): LogFile {
  return {
    read(buffer, offset, length, position) {
      const part = bytes.subarray(position, position + length);
      buffer.set(part, offset);
      return Promise.resolve({ bytesRead: part.length });
    },
  };
}

/** What disks and power cuts do: a lost end, a bit that turned, sectors of zeros or of something else. */
function damage(whole: Uint8Array, chance: Chance): Uint8Array {
  if (chance.oneIn(3)) return cut(whole, chance);
  const bytes = new Uint8Array(whole); // a copy: `slice` of a Buffer is none
  for (let left = 1 + chance.below(3); left > 0; left--) {
    const at = chance.below(bytes.length);
    if (chance.oneIn(2)) {
      bytes[at] = (bytes[at] as number) ^ (1 << chance.below(8));
    } else {
      const start = at - (at % SECTOR_BYTES);
      const end = Math.min(bytes.length, start + SECTOR_BYTES * (1 + chance.below(4)));
      if (chance.oneIn(2)) bytes.fill(0, start, end);
      else bytes.set(chance.bytes(end - start), start);
    }
  }
  return bytes;
}

const OWNER = { clusterId: 'cluster', applicationId: 'app' };
const META = new Map(
  [
    ...ownerRows(OWNER),
    storeRow('counts', { number: 0, layout: 'timestamped-window' }),
    positionRow('app-counts-changelog', { topicId: 'cafe', offset: 42, wallTimeMs: 1234 }),
  ].map(([key, value]) => [Buffer.from(key.subarray(1)).toString(), value ?? EMPTY]),
);

/** The meta rows of a database: a value whose numbers are exact, or an error of the state. */
export function metaTarget(): FuzzTarget {
  const names = [...META.keys()];
  return {
    name: 'state-meta',
    create(chance) {
      const name = chance.pick(names);
      const bytes = mutate(META.get(name) ?? EMPTY, chance);
      const rows = new Map(META).set(name, bytes);
      return {
        what: name,
        bytes,
        run: () =>
          givesValueOr(['STREAMS_STATE_CORRUPT', 'STREAMS_STATE_INCOMPATIBLE'], () => {
            const { positions } = readMeta(rows, OWNER, {});
            for (const { offset, wallTimeMs } of positions.values()) {
              if (!Number.isSafeInteger(offset) || !Number.isSafeInteger(wallTimeMs)) {
                throw new Error(`position ${offset} at ${wallTimeMs}`);
              }
            }
          }),
      };
    },
  };
}
