import { randomUUID } from 'node:crypto';
import { link, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { StreamsError } from '../../common/errors.ts';
import { errorCode } from '../node/error-code.ts';

/**
 * Says which process uses a state folder: a file with its pid and the time it started, so that a pid that was given
 * out again, or pid 1 of the container before this one, is not taken for it.
 *
 * It exists to tell the second process at once, and in words. That two processes never write one database is ensured
 * by LevelDB's own lock, which the kernel drops when its owner dies.
 *
 * Errors: `STREAMS_STATE_LOCKED`.
 */
export class DirectoryLock {
  readonly #path: string;
  readonly #content: string;

  private constructor(path: string, content: string) {
    this.#path = path;
    this.#content = content;
  }

  static async acquire(folder: string): Promise<DirectoryLock> {
    const path = join(folder, 'lock');
    const content = `${process.pid} ${(await startTime(process.pid)) ?? 'unknown'}\n`;
    for (let attempt = 0; attempt < MOST_ATTEMPTS; attempt++) {
      if (await createWith(path, content)) return new DirectoryLock(path, content);
      const holder = await readIfThere(path);
      if (holder === null) continue; // it was released just now
      if (await isAlive(holder)) throw locked(folder, holder);
      await removeDead(path, holder, content);
    }
    throw locked(folder, (await readIfThere(path)) ?? 'unknown');
  }

  /** Leaves a lock that is not ours any more alone. */
  async release(): Promise<void> {
    if ((await readIfThere(this.#path)) === this.#content) await rm(this.#path, { force: true });
  }
}

/** Each one but the first follows the death or release of another holder. */
const MOST_ATTEMPTS = 5;

/** Made aside and linked into place: nobody ever reads a lock that says nothing yet. */
async function createWith(path: string, content: string): Promise<boolean> {
  const aside = `${path}.${randomUUID()}`;
  try {
    await writeFile(aside, content, { mode: 0o600 });
    await link(aside, path);
    return true;
  } catch (error) {
    if (errorCode(error) === 'EEXIST') return false;
    throw error;
  } finally {
    await rm(aside, { force: true });
  }
}

/**
 * Removes the lock of a dead holder. One process at a time does, so that none removes what another has just made; the
 * others look again.
 */
async function removeDead(path: string, holder: string, content: string): Promise<void> {
  const removing = `${path}.removing`;
  if (await createWith(removing, content)) {
    try {
      if ((await readIfThere(path)) === holder) await rm(path, { force: true });
    } finally {
      await rm(removing, { force: true });
    }
    return;
  }
  const remover = await readIfThere(removing);
  if (remover !== null && !(await isAlive(remover))) await rm(removing, { force: true });
}

/** What names no process is no lock of ours. */
async function isAlive(holder: string): Promise<boolean> {
  const [, pidText, started] = /^(\d+) (\S+)\n$/.exec(holder) ?? [];
  const pid = Number(pidText);
  if (!(pid > 0)) return false;
  try {
    process.kill(pid, 0);
  } catch (error) {
    if (errorCode(error) !== 'EPERM') return false;
  }
  const startedNow = await startTime(pid);
  return startedNow === null || started === 'unknown' || started === startedNow;
}

/** When a process started, in a unit of the kernel's; null where the system does not tell. */
async function startTime(pid: number): Promise<string | null> {
  const stat = await readIfThere(`/proc/${pid}/stat`);
  // The name of the program comes second, in parentheses, and may hold spaces; the start is the 22nd field.
  const fields = stat?.slice(stat.lastIndexOf(')') + 2).split(' ');
  return fields?.[19] ?? null;
}

async function readIfThere(path: string): Promise<string | null> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (errorCode(error) === 'ENOENT' || errorCode(error) === 'ESRCH') return null;
    throw error;
  }
}

function locked(folder: string, holder: string): StreamsError {
  return new StreamsError(
    'STREAMS_STATE_LOCKED',
    `process ${holder.split(' ')[0] ?? 'unknown'} uses this state folder: give each instance of the application ` +
      'on this machine a stateDir of its own',
    { site: { folder } },
  );
}
