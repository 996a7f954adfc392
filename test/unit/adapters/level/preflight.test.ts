import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  copyFile,
  cp,
  mkdir,
  open,
  readdir,
  readFile,
  rm,
  stat,
  truncate,
  writeFile,
} from 'node:fs/promises';
import { join } from 'node:path';
import { ClassicLevel } from 'classic-level';
import { preflight } from '../../../../src/adapters/level/preflight.ts';
import { tempFolder, type TempFolder } from '../../../support/temp-folder.ts';

const WRITER = join(__dirname, '../../../support/level-writer.mjs');

/** Runs the writer until it has made so many commits, or until it is killed after some milliseconds. */
async function write(folder: string, commits: number, killAfterMs?: number): Promise<void> {
  const writer = spawn(process.execPath, [WRITER, folder, String(commits)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exited = once(writer, 'exit');
  if (killAfterMs !== undefined) {
    await Promise.race([once(writer.stdout, 'data'), exited]);
    setTimeout(() => writer.kill('SIGKILL'), killAfterMs);
  }
  await exited;
}

async function filesOf(folder: string, extension: string): Promise<string[]> {
  const files = await readdir(folder);
  return files.filter((file) => file.endsWith(extension)).map((file) => join(folder, file));
}

async function manifestOf(folder: string): Promise<string> {
  return join(folder, (await readFile(join(folder, 'CURRENT'), 'utf8')).trim());
}

/** The one log file with records in it. */
async function logOf(folder: string): Promise<string> {
  const logs = await filesOf(folder, '.log');
  const sizes = await Promise.all(logs.map(async (log) => ({ log, size: (await stat(log)).size })));
  return sizes.sort((a, b) => b.size - a.size)[0]?.log ?? '';
}

async function overwrite(path: string, position: number, bytes: Uint8Array): Promise<void> {
  await using file = await open(path, 'r+');
  await file.write(bytes, 0, bytes.length, position);
}

async function flip(path: string, position: number): Promise<void> {
  await using file = await open(path, 'r+');
  const byte = Buffer.alloc(1);
  await file.read(byte, 0, 1, position);
  byte[0] = (byte[0] ?? 0) ^ 0xff;
  await file.write(byte, 0, 1, position);
}

describe('preflight', () => {
  let original: TempFolder;
  beforeAll(async () => {
    original = await tempFolder();
    // Two runs: the second leaves tables, a MANIFEST with several edits and a log of some blocks behind.
    await write(original.path, 400);
    const db = new ClassicLevel(original.path);
    await db.open();
    for (let row = 0; row < 60; row++) await db.put(`more ${row}`, 'x'.repeat(5_000));
    await db.close();
  });
  afterAll(() => original[Symbol.asyncDispose]());

  async function damaged(damage: (folder: string) => Promise<void>): Promise<unknown> {
    await using copy = await tempFolder();
    const folder = join(copy.path, 'db');
    await cp(original.path, folder, { recursive: true });
    await damage(folder);
    const result = await preflight(folder);
    return result.kind === 'damaged' ? result.damage : result.kind;
  }

  test('finds an intact database sound, with what LevelDB leaves lying about', async () => {
    expect(await damaged(() => Promise.resolve())).toBe('sound');
    expect(await damaged((folder) => writeFile(join(folder, '000001.dbtmp'), 'x'))).toBe('sound');
  });

  test('knows a folder that holds nothing', async () => {
    await using folder = await tempFolder();
    expect(await preflight(join(folder.path, 'none'))).toEqual({ kind: 'absent' });
    expect(await preflight(folder.path)).toEqual({ kind: 'absent' });
  });

  test('a database whose making was cut off held nothing', async () => {
    await using folder = await tempFolder();
    await writeFile(join(folder.path, 'LOCK'), '');
    await writeFile(join(folder.path, 'MANIFEST-000001'), 'anything');
    expect(await preflight(folder.path)).toEqual({ kind: 'unborn' });
  });

  test.each([
    ['deleted', (current: string) => rm(current)],
    ['emptied', (current: string) => truncate(current)],
    ['without its line end', (current: string) => truncate(current, 15)],
  ])('CURRENT %s', async (_, damage) => {
    expect(await damaged((folder) => damage(join(folder, 'CURRENT')))).toBe('current');
  });

  test('MANIFEST deleted', async () => {
    expect(await damaged(async (folder) => rm(await manifestOf(folder)))).toBe('manifest');
  });

  test('MANIFEST cut anywhere', async () => {
    const { size } = await stat(await manifestOf(original.path));
    const results = new Set<unknown>();
    for (let cut = 0; cut < 40; cut++) {
      const bytes = Math.floor((cut * size) / 40);
      results.add(await damaged(async (folder) => truncate(await manifestOf(folder), bytes)));
    }
    // Cut at the end of a record it is whole, but names files that later records gave up.
    results.delete('table');
    expect([...results]).toEqual(['manifest']);
  });

  test('MANIFEST with a byte changed anywhere', async () => {
    const { size } = await stat(await manifestOf(original.path));
    const results = new Set<unknown>();
    for (let at = 0; at < 40; at++) {
      const position = Math.floor((at * size) / 40);
      results.add(await damaged(async (folder) => flip(await manifestOf(folder), position)));
    }
    expect([...results]).toEqual(['manifest']);
  });

  test('a table deleted, cut or grown', async () => {
    const table = async (folder: string): Promise<string> =>
      (await filesOf(folder, '.ldb'))[0] ?? '';
    expect(await damaged(async (folder) => rm(await table(folder)))).toBe('table');
    expect(await damaged(async (folder) => truncate(await table(folder), 100))).toBe('table');
    expect(
      await damaged(async (folder) => writeFile(await table(folder), 'x', { flag: 'a' })),
    ).toBe('table');
  });

  test('a log deleted', async () => {
    const result = await damaged(async (folder) => rm(await logOf(folder)));
    expect(result).toBe('manifest');
  });

  test('a byte of a log changed, with records after it', async () => {
    for (const position of [0, 7, 1_000, 40_000, 100_000]) {
      expect(await damaged(async (folder) => flip(await logOf(folder), position))).toBe('log');
    }
  });

  test('zeros in the middle of a log', async () => {
    const zeros = new Uint8Array(4_096);
    expect(await damaged(async (folder) => overwrite(await logOf(folder), 65_536, zeros))).toBe(
      'log',
    );
  });

  test('a log that ends in zeros for longer than a record a crash cuts off', async () => {
    const zeros = new Uint8Array(100_000);
    const result = await damaged(async (folder) => {
      const log = await logOf(folder);
      await overwrite(log, (await stat(log)).size - zeros.length, zeros);
    });
    expect(result).toBe('log');
  });

  test('a log that lost its end, as after a power cut, is sound', async () => {
    const { size } = await stat(await logOf(original.path));
    for (let cut = 0; cut < 20; cut++) {
      const bytes = Math.floor((cut * size) / 20);
      expect(await damaged(async (folder) => truncate(await logOf(folder), bytes))).toBe('sound');
    }
  });

  test('finds nothing wrong after 30 kills, and every commit that was begun is whole', async () => {
    await using folder = await tempFolder();
    for (let kill = 0; kill < 30; kill++) {
      await write(folder.path, 1_000_000, (kill * 7) % 60);
      expect(await preflight(folder.path)).toEqual({ kind: 'sound' });
    }
    const db = new ClassicLevel<string, Buffer>(folder.path, { valueEncoding: 'buffer' });
    await db.open();
    const last = Number((await db.get('commit'))?.toString());
    expect(last).toBeGreaterThan(30);
    for (let commit = Math.max(1, last - 999); commit <= last; commit++) {
      const row = await db.get(`row ${commit % 1000}`);
      expect(row?.readUInt32BE()).toBe(commit);
    }
    await db.close();
  }, 60_000);

  test('a folder copied file by file while closed is sound', async () => {
    await using copy = await tempFolder();
    const folder = join(copy.path, 'copy');
    await mkdir(folder);
    for (const file of await readdir(original.path)) {
      await copyFile(join(original.path, file), join(folder, file));
    }
    expect(await preflight(folder)).toEqual({ kind: 'sound' });
  });
});
