import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { lineMatching, runProgram } from '../../support/child-program.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

interface FailedStart {
  readonly code?: string;
  readonly message: string;
  /** Folders of brokers in the folder for temporary files. */
  readonly left: readonly string[];
}

/** What a start with these options fails with, and what it leaves; `stop` can be called to abort it. */
async function failToStart(options: string): Promise<FailedStart> {
  await using folder = await temporaryFolder();
  const child = runProgram(
    `import { startKafka } from ${JSON.stringify(join(process.cwd(), 'src/testing.ts'))};
    const controller = new AbortController();
    const abort = () => controller.abort(new Error('enough'));
    const { signal } = controller;
    await startKafka({ source: 'own', ...${options} }).catch(({ code, message }) => {
      console.log(JSON.stringify({ code, message }));
    });`,
    { TMPDIR: folder.path },
  );
  const failure = JSON.parse(await lineMatching(child, /^{/)) as Omit<FailedStart, 'left'>; // printed above
  const names = await readdir(folder.path);
  return { ...failure, left: names.filter((name) => name.startsWith('millrace')) };
}

describe('a broker that does not start', () => {
  test('says why with the end of its log, and leaves nothing', async () => {
    const failure = await failToStart("{ properties: { 'num.network.threads': '0' } }");
    expect(failure).toMatchObject({ code: 'STREAMS_CONFIG', left: [] });
    expect(failure.message).toContain('num.network.threads');
  }, 60_000);

  test('is given up after startTimeoutMs, and leaves nothing', async () => {
    const failure = await failToStart('{ startTimeoutMs: 1000 }');
    expect(failure).toMatchObject({ left: [] });
    expect(failure.message).toMatch(/within 1000 ms|within 1 s/);
  }, 60_000);

  test('is given up on abort, and leaves nothing', async () => {
    const failure = await failToStart('{ signal, onProgress: () => setImmediate(abort) }');
    expect(failure).toEqual({ message: 'enough', left: [] });
  }, 60_000);
});
