import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { Guardian, GUARDIAN_SCRIPT } from '../../../../src/adapters/broker/guardian.ts';
import { lineMatching, runProgram } from '../../../support/child-program.ts';
import { tempFolder } from '../../../support/temp-folder.ts';
import { until } from '../../../support/until.ts';

jest.setTimeout(30_000);

const SILENT = ['pipe', 'ignore', 'ignore'] as const;

/** A guardian over a folder with a file in it, and a process that would run for an hour. */
async function guardSleeper(folder: string) {
  mkdirSync(join(folder, 'data'));
  const guardian = new Guardian(folder);
  const sleeper = guardian.spawn('sleep', ['3600'], SILENT);
  await once(sleeper, 'spawn');
  return { guardian, sleeper, exited: once(sleeper, 'exit') };
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

describe('guardian', () => {
  test('close kills what runs and removes the folder', async () => {
    await using root = await tempFolder();
    const { guardian, exited } = await guardSleeper(root.path);
    await guardian.close();
    expect(await exited).toEqual([null, 'SIGKILL']);
    expect(existsSync(root.path)).toBe(false);
  });

  test('close ends a stopped process too', async () => {
    await using root = await tempFolder();
    const { guardian, sleeper, exited } = await guardSleeper(root.path);
    sleeper.kill('SIGSTOP');
    await guardian.close();
    expect(await exited).toEqual([null, 'SIGKILL']);
  });

  test('a process that was released is left alone, since its id may belong to another by now', async () => {
    await using root = await tempFolder();
    const [released, guarded] = [spawn('sleep', ['3600']), spawn('sleep', ['3600'])];
    const shell = spawn('/bin/sh', ['-c', GUARDIAN_SCRIPT, 'guardian', root.path]);
    const ends = Promise.all([once(guarded, 'exit'), once(shell, 'close')]);
    const [first, second] = [String(released.pid), String(guarded.pid)];
    shell.stdin.end(`guard ${first}\nguard ${second}\nrelease ${first}\n`);
    await ends;
    expect(isAlive(Number(first))).toBe(true);
    released.kill();
  });

  test('a process whose parent is killed with SIGKILL dies, and the folder goes', async () => {
    await using root = await tempFolder();
    const folder = join(root.path, 'guarded');
    mkdirSync(folder);
    const parent = spawnParent(folder);
    const pid = Number(await lineMatching(parent, /^\d+$/));
    expect(isAlive(pid)).toBe(true);
    parent.kill('SIGKILL');
    await until('the guarded process is gone', () => !isAlive(pid));
    await until('the folder is gone', () => !existsSync(folder));
  });

  test('a guarded process does not keep its parent alive', async () => {
    await using root = await tempFolder();
    const folder = join(root.path, 'guarded');
    mkdirSync(folder);
    const parent = spawnParent(folder, 'sleeper.unref();');
    const pid = Number(await lineMatching(parent, /^\d+$/));
    expect(await once(parent, 'exit')).toEqual([0, null]);
    await until('the guarded process is gone', () => !isAlive(pid));
  });
});

/** A process of its own that guards a sleeper and prints its id. */
function spawnParent(folder: string, more = ''): ChildProcess {
  const module = join(process.cwd(), 'src/adapters/broker/guardian.ts');
  const program = `
    import { Guardian, GUARDIAN_SCRIPT } from ${JSON.stringify(module)};
    const guardian = new Guardian(${JSON.stringify(folder)});
    const sleeper = guardian.spawn('sleep', ['3600'], ['pipe', 'ignore', 'ignore']);
    console.log(sleeper.pid);
    ${more}`;
  return runProgram(program);
}
