import { open, readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { errorCode } from '../node/error-code.ts';
import { readLog } from './leveldb-log.ts';
import { applyEdit, emptyManifest, type Manifest } from './leveldb-manifest.ts';

/** Which part of a database is damaged. */
export type Damage = 'current' | 'manifest' | 'table' | 'log';

export type PreflightResult =
  /** Nothing is there. */
  | { readonly kind: 'absent' }
  /** LevelDB was interrupted while it made the folder, before it could have held data. */
  | { readonly kind: 'unborn' }
  | { readonly kind: 'sound' }
  | { readonly kind: 'damaged'; readonly damage: Damage; readonly reason: string };

/** A record that a crash cut off lies in the last block, and one fragment of it may reach back into the one before. */
const TORN_TAIL_BYTES = 32_768 + 7;

/**
 * Checks the structure of a LevelDB folder before it is opened. LevelDB opens many a damaged folder without complaint
 * and serves what is left (some with 12,268 of 20,000 keys gone, or almost empty with the newest position kept).
 *
 * 1. CURRENT is well formed; the MANIFEST can be read to its end, each record with its checksum. A cut-off tail is
 *    damage here: LevelDB syncs the MANIFEST with each edit.
 * 2. Each table that the MANIFEST lists is there, with the size it says.
 * 3. The log that the MANIFEST names is there. If not, the MANIFEST was cut at the end of a record.
 * 4. Each record of the logs has its checksum, up to the tail. A bad tail is what a crash leaves; a valid record after
 *    a bad one is a hole.
 *
 * Reads CURRENT, the MANIFEST and the logs (at most a write buffer each), block by block; not the tables, so bit rot
 * in a table is not found. Errors: those of the file system.
 */
export async function preflight(folder: string): Promise<PreflightResult> {
  const files = new Set(await filesOf(folder));
  if (files.size === 0) return { kind: 'absent' };
  if (!files.has('CURRENT')) {
    // LevelDB writes CURRENT before its first log or table.
    const hadData = [...files].some((file) => /\.(log|ldb|sst)$/.test(file));
    return hadData ? damaged('current', 'CURRENT is missing') : { kind: 'unborn' };
  }
  const current = await readFile(join(folder, 'CURRENT'), 'latin1');
  if (!/^MANIFEST-\d+\n$/.test(current)) return damaged('current', 'CURRENT names no MANIFEST');
  if (!files.has(current.trim())) return damaged('manifest', `${current.trim()} is missing`);

  const manifest = emptyManifest();
  const reason = await readManifest(join(folder, current.trim()), manifest);
  if (reason !== null) return damaged('manifest', reason);
  return (
    (await checkTables(folder, files, manifest)) ??
    (await checkLogs(folder, files, manifest)) ?? { kind: 'sound' }
  );
}

async function filesOf(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return [];
    throw error;
  }
}

/** Null, or why it cannot be used. */
async function readManifest(path: string, manifest: Manifest): Promise<string | null> {
  await using file = await open(path, 'r');
  const end = await readLog(file, (edit) => {
    applyEdit(manifest, edit);
  });
  if (end.kind !== 'whole') return `the MANIFEST is damaged at byte ${end.atByte}`;
  if (!manifest.readable) return 'the MANIFEST has an edit that cannot be read';
  return manifest.edits === 0 ? 'the MANIFEST is empty' : null;
}

async function checkTables(
  folder: string,
  files: ReadonlySet<string>,
  { tables }: Manifest,
): Promise<PreflightResult | null> {
  for (const [number, bytes] of tables) {
    const name = [fileName(number, 'ldb'), fileName(number, 'sst')].find((file) => files.has(file));
    if (name === undefined) return damaged('table', `${fileName(number, 'ldb')} is missing`);
    const { size } = await stat(join(folder, name));
    if (size !== bytes) {
      return damaged('table', `${name} has ${size} bytes, the MANIFEST says ${bytes}`);
    }
  }
  return null;
}

async function checkLogs(
  folder: string,
  files: ReadonlySet<string>,
  { logNumber, previousLogNumber }: Manifest,
): Promise<PreflightResult | null> {
  if (logNumber > 0 && !files.has(fileName(logNumber, 'log'))) {
    const name = fileName(logNumber, 'log');
    return damaged(
      'manifest',
      `${name}, which the MANIFEST names, is missing: the MANIFEST was cut`,
    );
  }
  for (const name of files) {
    if (!name.endsWith('.log')) continue;
    const number = Number.parseInt(name, 10);
    if (number < logNumber && number !== previousLogNumber) continue;
    await using file = await open(join(folder, name), 'r');
    const end = await readLog(file);
    if (end.kind === 'hole') return damaged('log', `${name} has a hole at byte ${end.atByte}`);
    if (end.kind === 'torn' && end.atByte < end.fileBytes - TORN_TAIL_BYTES) {
      return damaged('log', `${name} has nothing valid from byte ${end.atByte} on`);
    }
  }
  return null;
}

function fileName(number: number, extension: string): string {
  return `${String(number).padStart(6, '0')}.${extension}`;
}

function damaged(damage: Damage, reason: string): PreflightResult {
  return { kind: 'damaged', damage, reason };
}
