import { constants } from 'node:fs';
import { chmod, lstat, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Random } from '../../common/clock.ts';
import { invariant, isStreamsError, StreamsError } from '../../common/errors.ts';
import { NO_FAILPOINTS, type Failpoints } from '../../common/failpoints.ts';
import type { Logger } from '../../observability/logger.ts';
import type { Metrics } from '../../observability/metrics.ts';
import type {
  OpenedTaskStorage,
  StateDirectory,
  TaskStorageRequest,
  Wipe,
} from '../../state/state-directory.ts';
import type { TaskStorage } from '../../state/task-storage.ts';
import { settleAll } from '../../runtime/settle-all.ts';
import { TieredTaskStorage } from '../../state/tiered-task-storage.ts';
import { errorCode } from '../node/error-code.ts';
import { DirectoryLock } from './directory-lock.ts';
import { folderName } from './folder-name.ts';
import { asStateError } from './level-error.ts';
import { LevelTaskStorage } from './level-task-storage.ts';
import { preflight } from './preflight.ts';

export interface LevelStateDirectoryOptions {
  readonly stateDir: string;
  readonly applicationId: string;
  /** Block caches and write buffers of all databases together. */
  readonly levelMemoryMaxBytes: number;
  /** Table files that all databases together keep open; LevelDB takes at least 74 each. */
  readonly levelMaxOpenFiles: number;
  readonly random: Random;
  readonly logger: Logger;
  readonly metrics: Metrics;
  /** For crash tests. Default: none. */
  readonly failpoints?: Failpoints;
}

/** A task, or the global stores of a thread. */
const TASK_FOLDER = /^(\d+_\d+|global(-\d+)?)$/;
const NO_LINK = constants.O_RDONLY | constants.O_NOFOLLOW;
const LEAST_MEMORY_BYTES = 256 * 1024; // LevelDB takes no smaller write buffers than 64 KiB
const LEAST_OPEN_FILES = 74;

/**
 * `<stateDir>/<application>`: a LevelDB for each task, under one lock (docs/formats.md). Other files in it are left
 * alone.
 *
 * Errors of `open`: `STREAMS_CONFIG` for a folder that cannot be made or written or is a link, `STREAMS_STATE_LOCKED`.
 */
export class LevelStateDirectory implements StateDirectory {
  readonly processId: string;
  readonly #options: LevelStateDirectoryOptions;
  readonly #folder: string;
  /** Null: another thread of this process has it. */
  readonly #lock: DirectoryLock | null;
  readonly #open = new Map<string, TaskStorage>();

  private constructor(
    options: LevelStateDirectoryOptions,
    folder: string,
    lock: DirectoryLock | null,
    processId: string,
  ) {
    this.#options = options;
    this.#folder = folder;
    this.#lock = lock;
    this.processId = processId;
  }

  static async open(options: LevelStateDirectoryOptions): Promise<LevelStateDirectory> {
    const folder = join(options.stateDir, folderName(options.applicationId));
    try {
      await mkdir(folder, { recursive: true, mode: 0o700 });
      const status = await lstat(folder);
      invariant(status.isDirectory(), 'a state folder is no symbolic link', { folder });
      await chmod(folder, 0o700);
      const lock = await DirectoryLock.acquire(folder);
      try {
        const processId = await readProcessId(folder, options.random);
        return new LevelStateDirectory(options, folder, lock, processId);
      } catch (error) {
        await lock.release();
        throw error;
      }
    } catch (error) {
      if (isStreamsError(error, 'STREAMS_STATE_LOCKED')) throw error;
      throw new StreamsError(
        'STREAMS_CONFIG',
        'the state folder cannot be used: stateDir must be a directory that this user may write, and no link',
        { site: { folder, option: 'stateDir' }, cause: error },
      );
    }
  }

  /** The same folder in another thread of the process, which has opened it and gives it up after this one is closed. */
  static join(options: LevelStateDirectoryOptions, processId: string): LevelStateDirectory {
    const folder = join(options.stateDir, folderName(options.applicationId));
    return new LevelStateDirectory(options, folder, null, processId);
  }

  /**
   * Deletes the state of all tasks of an application that is not running here. Its process id stays, so that the next
   * start fences what the last one left open.
   */
  static async cleanUp(options: LevelStateDirectoryOptions): Promise<void> {
    const directory = await LevelStateDirectory.open(options);
    try {
      for (const taskId of await directory.list()) await directory.#delete(taskId);
    } finally {
      await directory.close();
    }
  }

  async open(request: TaskStorageRequest): Promise<OpenedTaskStorage> {
    const { taskId } = request;
    invariant(TASK_FOLDER.test(taskId), `'${taskId}' is no task id`);
    invariant(!this.#open.has(taskId), 'the storage of a task is opened once', { taskId });
    const opened = await this.#openSound(request);
    this.#open.set(taskId, opened.storage);
    return opened;
  }

  async #openSound(request: TaskStorageRequest): Promise<OpenedTaskStorage> {
    const { taskId } = request;
    const folder = this.#folderOf(taskId);
    let wiped: Wipe | null = null;
    await this.#refuseLinks(taskId);
    const found = await this.#inspect(taskId);
    if (found.kind === 'damaged') {
      wiped = { reason: 'damaged', detail: found.reason };
      await this.wipe(taskId, wiped);
    }
    if (found.kind === 'unborn') await rm(folder, { recursive: true, force: true });
    try {
      const storage = await this.#openLevel(request, found.kind === 'sound');
      return { storage, wiped };
    } catch (error) {
      if (!isStreamsError(error, 'STREAMS_STATE_CORRUPT')) throw error;
      wiped = { reason: 'damaged', detail: error.message };
      await this.wipe(taskId, wiped);
      return { storage: await this.#openLevel(request, false), wiped };
    }
  }

  /** Whoever can place a link could have state written elsewhere, or read from there. */
  async #refuseLinks(taskId: string): Promise<void> {
    const folder = this.#folderOf(taskId);
    const link = await linkIn(folder).catch((error: unknown) => {
      throw asStateError(error, 'the state cannot be checked', { taskId, folder });
    });
    if (link === null) return;
    throw new StreamsError(
      'STREAMS_CONFIG',
      `${link} is a symbolic link, and state is not read or written through links: replace it by what it leads to, or delete it`,
      { site: { taskId, folder, option: 'stateDir' } },
    );
  }

  async #inspect(taskId: string): ReturnType<typeof preflight> {
    const folder = this.#folderOf(taskId);
    try {
      return await preflight(folder);
    } catch (error) {
      throw asStateError(error, 'the state cannot be checked', { taskId, folder });
    }
  }

  async #openLevel(request: TaskStorageRequest, exists: boolean): Promise<TaskStorage> {
    const { taskId, clusterId, topologyFingerprint } = request;
    const { applicationId, levelMemoryMaxBytes, levelMaxOpenFiles } = this.#options;
    const { failpoints = NO_FAILPOINTS } = this.#options;
    const tasks = Math.max(request.tasks, this.#open.size + 1);
    const folder = this.#folderOf(taskId);
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const disk = await LevelTaskStorage.open({
      folder,
      taskId,
      owner: { clusterId, applicationId },
      topologyFingerprint,
      memoryBytes: Math.max(LEAST_MEMORY_BYTES, Math.floor(levelMemoryMaxBytes / tasks)),
      maxOpenFiles: Math.max(LEAST_OPEN_FILES, Math.floor(levelMaxOpenFiles / tasks)),
      exists,
      failpoints,
    });
    return new TieredTaskStorage(disk, () => {
      this.#open.delete(taskId);
      request.onClosed?.();
    });
  }

  async wipe(taskId: string, { reason, detail }: Wipe): Promise<void> {
    const { logger, metrics } = this.#options;
    const fields = { taskId, folder: this.#folderOf(taskId), reason, detail };
    logger.warn(fields, 'state is deleted and will be rebuilt from its changelogs');
    metrics.counter('state-wipes-total', { reason }).add(1);
    await this.#open.get(taskId)?.close();
    await this.#delete(taskId);
  }

  async list(): Promise<readonly string[]> {
    const files = await readdir(this.#folder, { withFileTypes: true });
    return files
      .filter((file) => file.isDirectory() && TASK_FOLDER.test(file.name))
      .map((file) => file.name);
  }

  async close(): Promise<void> {
    try {
      await settleAll([...this.#open.values()].map((storage) => storage.close()));
    } finally {
      await this.#lock?.release();
    }
  }

  #folderOf(taskId: string): string {
    return join(this.#folder, taskId);
  }

  async #delete(taskId: string): Promise<void> {
    invariant(TASK_FOLDER.test(taskId), `'${taskId}' is no task id`);
    const folder = this.#folderOf(taskId);
    try {
      await rm(folder, { recursive: true, force: true });
    } catch (error) {
      throw asStateError(error, 'state cannot be deleted', { taskId, folder });
    }
  }
}

/** The folder itself or the first entry of it that is a link; null for none, and where there is no folder. */
async function linkIn(folder: string): Promise<string | null> {
  try {
    if ((await lstat(folder)).isSymbolicLink()) return folder;
    const link = (await readdir(folder, { withFileTypes: true })).find((file) =>
      file.isSymbolicLink(),
    );
    return link === undefined ? null : join(folder, link.name);
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return null;
    throw error;
  }
}

/** Written aside and moved into place, so that a crash leaves none or a whole one. */
async function readProcessId(folder: string, random: Random): Promise<string> {
  const path = join(folder, 'process');
  const known = await readFile(path, { encoding: 'utf8', flag: NO_LINK }).catch(() => '');
  if (/^[0-9a-f-]{36}\n$/.test(known)) return known.trim();
  const processId = random.uuid();
  await rm(`${path}.new`, { force: true });
  await writeFile(`${path}.new`, `${processId}\n`, { mode: 0o600, flag: 'wx' });
  await rename(`${path}.new`, path);
  return processId;
}
