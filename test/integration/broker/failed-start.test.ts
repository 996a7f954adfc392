import { once } from 'node:events';
import { readdir } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { lineMatching, runProgram } from '../../support/child-program.ts';
import { tempFolder } from '../../support/temp-folder.ts';

interface FailedStart {
  readonly code?: string;
  readonly message: string;
  /** How often `onProgress`, if passed, was told that a broker starts. */
  readonly starts: number;
  /** Folders of brokers in the folder for temporary files. */
  readonly left: readonly string[];
}

/** What a start with these options fails with, and what it leaves; `signal`, `abort` and `onProgress` are at hand. */
async function failToStart(options: string): Promise<FailedStart> {
  await using folder = await tempFolder();
  const child = runProgram(
    `import { startKafka } from ${JSON.stringify(join(process.cwd(), 'src/testing.ts'))};
    const controller = new AbortController();
    const abort = () => controller.abort(new Error('enough'));
    const { signal } = controller;
    let starts = 0;
    const onProgress = () => { starts++; };
    await startKafka({ source: 'own', ...${options} }).catch(({ code, message }) => {
      console.log(JSON.stringify({ code, message, starts }));
    });`,
    { TMPDIR: folder.path },
  );
  const failure = JSON.parse(await lineMatching(child, /^{/)) as Omit<FailedStart, 'left'>; // printed above
  const names = await readdir(folder.path);
  return { ...failure, left: names.filter((name) => name.startsWith('millrace')) };
}

describe('a broker that does not start', () => {
  test('says why, from its log, and leaves nothing', async () => {
    const failure = await failToStart("{ properties: { 'metric.reporters': 'no.such.Reporter' } }");
    expect(failure).toMatchObject({ code: 'STREAMS_CONFIG', left: [] });
    expect(failure.message).toContain('ClassNotFoundException: no.such.Reporter');
    expect(failure.message).toContain('Its log ends');
  }, 60_000);

  test('is not even formatted where Kafka knows that a setting is wrong', async () => {
    const failure = await failToStart("{ properties: { 'num.network.threads': '0' } }");
    expect(failure).toMatchObject({ code: 'STREAMS_CONFIG', left: [] });
    expect(failure.message).toContain('configuration num.network.threads');
  }, 60_000);

  test('is tried three times where another process has taken a port in between', async () => {
    await using taken = createServer().listen(0, '127.0.0.1');
    await once(taken, 'listening');
    const { port } = taken.address() as AddressInfo; // listening on TCP
    const properties = JSON.stringify({
      listeners: `CLIENT://127.0.0.1:${port},INTERNAL://127.0.0.1:0,CONTROLLER://127.0.0.1:29092`,
      'controller.quorum.voters': '1@127.0.0.1:29092',
    });
    const failure = await failToStart(`{ properties: ${properties}, onProgress }`);
    expect(failure.message).toContain('Address already in use');
    expect(failure).toMatchObject({ starts: 3, left: [] });
  }, 60_000);

  test('is given up after startTimeoutMs, and leaves nothing', async () => {
    const failure = await failToStart('{ startTimeoutMs: 1000 }');
    expect(failure).toMatchObject({ left: [] });
    expect(failure.message).toMatch(/within 1000 ms|within 1 s/);
  }, 60_000);

  test('is given up on abort, and leaves nothing', async () => {
    const failure = await failToStart('{ signal, onProgress: () => setImmediate(abort) }');
    expect(failure).toMatchObject({ message: 'enough', left: [] });
  }, 60_000);
});
