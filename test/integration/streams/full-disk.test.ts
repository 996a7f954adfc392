import { createTopic, sharedBrokers, uniqueName } from '../../support/broker.ts';
import { startCountingApp, type ChildApp } from '../../support/child-app.ts';
import { countingInput, exactCounts, readCounts, totalOf } from '../../support/counts.ts';
import { produce } from '../../support/records.ts';
import { tempFolder } from '../../support/temp-folder.ts';
import { until } from '../../support/until.ts';

jest.setTimeout(60_000);

const KEYS = 20;
const PER_KEY = 40;
/** Many small commits, so that LevelDB's log reaches the limit also where the work is quickly done. */
const COMMIT_INTERVAL_MS = 10;

/** A counting application at work; `mostFileBlocks` is where its disk is full. */
async function counting(stateDir: string) {
  const [input, output] = [await createTopic({ partitions: 2 }), await createTopic()];
  await produce(input, countingInput(KEYS, PER_KEY));
  const applicationId = uniqueName('app');
  return {
    start: (limits: { readonly mostFileBlocks?: number } = {}): Promise<ChildApp> =>
      startCountingApp(
        {
          topology: { input, output, delayMs: 1 },
          config: {
            applicationId,
            brokers: sharedBrokers(),
            processingGuarantee: 'exactly_once_v2',
            stateDir,
            commitIntervalMs: COMMIT_INTERVAL_MS,
            taskTimeoutMs: 2_000,
          },
        },
        limits,
      ),
    expectExactCounts: async (): Promise<void> => {
      const total = KEYS * PER_KEY;
      await until('all counts', async () => totalOf(await readCounts(output)) >= total, 40_000);
      expect(await readCounts(output)).toEqual(exactCounts(KEYS, PER_KEY));
    },
  };
}

describe('a disk that is full', () => {
  test('for a while has tasks rebuild what could not be written, with nothing lost or doubled', async () => {
    await using folder = await tempFolder();
    const { start, expectExactCounts } = await counting(folder.path);
    // LevelDB begins a new log when it is opened again, and that has room.
    await using app = await start({ mostFileBlocks: 8 });
    await expectExactCounts();
    expect(app.output()).toContain('STREAMS_STATE_IO');
    expect(app.states).not.toContain('ERROR');
  });

  test('for good stops the application, and what is missing is replayed when there is room', async () => {
    await using folder = await tempFolder();
    const { start, expectExactCounts } = await counting(folder.path);
    {
      await using full = await start({ mostFileBlocks: 1 });
      await until('the end', () => full.states.includes('ERROR'), 30_000);
      expect(full.output()).toContain('ERROR STREAMS_STATE_IO');
    }
    await using last = await start();
    await expectExactCounts();
    expect(last.states).not.toContain('ERROR');
  });
});
