import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DirectoryLock } from '../../../../src/adapters/level/directory-lock.ts';
import { tempFolder } from '../../../support/temp-folder.ts';

describe('the lock of a state folder', () => {
  test('a second holder is told who has it and what to do', async () => {
    await using folder = await tempFolder();
    const lock = await DirectoryLock.acquire(folder.path);
    await expect(DirectoryLock.acquire(folder.path)).rejects.toMatchObject({
      code: 'STREAMS_STATE_LOCKED',
      message: expect.stringMatching(
        new RegExp(`process ${process.pid} uses this state folder.*stateDir of its own`),
      ) as unknown,
    });
    await lock.release();
    const next = await DirectoryLock.acquire(folder.path);
    await next.release();
    expect(await readdir(folder.path)).toEqual([]);
  });

  test('the lock of a live process holds, that of a dead one is taken over', async () => {
    await using folder = await tempFolder();
    const other = spawn(process.execPath, ['-e', 'process.stdin.resume()'], {
      stdio: ['pipe', 'ignore', 'inherit'],
    });
    await once(other, 'spawn');
    await writeFile(join(folder.path, 'lock'), `${other.pid} unknown\n`);
    await expect(DirectoryLock.acquire(folder.path)).rejects.toThrow(`process ${other.pid} uses`);

    const exited = once(other, 'exit');
    other.kill('SIGKILL');
    await exited;
    const lock = await DirectoryLock.acquire(folder.path);
    expect(await readFile(join(folder.path, 'lock'), 'utf8')).toMatch(`${process.pid} `);
    await lock.release();
  });

  test.each([
    ['of a process that had this pid before', `${process.pid} 1\n`],
    ['that was cut off while it was written', ''],
    ['that is not ours to read', 'garbage'],
  ])('a lock %s is taken over', async (_, content) => {
    await using folder = await tempFolder();
    await writeFile(join(folder.path, 'lock'), content);
    const lock = await DirectoryLock.acquire(folder.path);
    await lock.release();
    expect(await readdir(folder.path)).toEqual([]);
  });

  test('of many who find a dead lock at once, one gets the folder', async () => {
    for (let round = 0; round < 50; round++) {
      await using folder = await tempFolder();
      await writeFile(join(folder.path, 'lock'), `${process.pid} 1\n`);
      const tries = Array.from({ length: 8 }, () => DirectoryLock.acquire(folder.path));
      const results = await Promise.allSettled(tries);
      expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    }
  });

  test('a lock that another has taken over since is not released', async () => {
    await using folder = await tempFolder();
    const lock = await DirectoryLock.acquire(folder.path);
    await writeFile(join(folder.path, 'lock'), '1 1\n');
    await lock.release();
    expect(await readdir(folder.path)).toEqual(['lock']);
  });
});
