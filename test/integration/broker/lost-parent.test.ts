import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readdir } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { lineMatching, runProgram } from '../../support/child-program.ts';
import { tempFolder } from '../../support/temp-folder.ts';
import { until } from '../../support/until.ts';

/** A process of its own that starts a broker in `folder` and prints its progress and then its address. */
function spawnParent(folder: string): ChildProcess {
  return runProgram(
    `import { startKafka } from ${JSON.stringify(join(process.cwd(), 'src/testing.ts'))};
    const { brokers } = await startKafka({ source: 'own', onProgress: console.log });
    console.log(brokers[0]);
    setInterval(() => undefined, 60_000);`,
    { TMPDIR: folder },
  );
}

async function isEmpty(folder: string): Promise<boolean> {
  const names = await readdir(folder); // tsx keeps a cache there
  return !names.some((name) => name.startsWith('millrace'));
}

async function isListening(address: string): Promise<boolean> {
  const [host = '', port = ''] = address.split(':');
  const socket = connect({ host, port: Number(port) });
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

describe('a broker whose parent is lost', () => {
  test.each(['SIGKILL', 'SIGINT', 'SIGTERM'] as const)(
    'ends and leaves no folder after %s',
    async (signal) => {
      await using folder = await tempFolder();
      const parent = spawnParent(folder.path);
      const address = await lineMatching(parent, /^[\w.]+:\d+$/);
      expect(await isListening(address)).toBe(true);
      parent.kill(signal);
      await until('the broker is gone', async () => !(await isListening(address)), 30_000);
      await until('its folder is gone', () => isEmpty(folder.path));
    },
    60_000,
  );

  test('ends and leaves no folder when that happens while it starts', async () => {
    await using folder = await tempFolder();
    const parent = spawnParent(folder.path);
    await lineMatching(parent, /^starting/);
    parent.kill('SIGKILL');
    await until('its folder is gone', () => isEmpty(folder.path));
  }, 60_000);
});
