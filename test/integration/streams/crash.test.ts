import { createTopic, sharedBrokers, uniqueName } from '../../support/broker.ts';
import { startCountingApp, type ChildApp } from '../../support/child-app.ts';
import type { CountingProcess } from '../../support/counting-app.ts';
import { countingInput, exactCounts, readCounts, totalOf } from '../../support/counts.ts';
import { produce } from '../../support/records.ts';
import { tempFolder, type TempFolder } from '../../support/temp-folder.ts';
import { until } from '../../support/until.ts';

jest.setTimeout(120_000);

const KEYS = 20;
const PER_KEY = 80;
/** Slow enough that a kill finds work under way, in several transactions. */
const DELAY_MS = 1;

interface Cluster {
  readonly output: string;
  readonly start: (
    folder: TempFolder,
    config?: Partial<CountingProcess['config']>,
  ) => Promise<ChildApp>;
  readonly reaches: (total: number) => Promise<void>;
}

async function cluster(): Promise<Cluster> {
  const input = await createTopic({ partitions: 4 });
  const output = await createTopic({ partitions: 2 });
  await produce(input, countingInput(KEYS, PER_KEY));
  const applicationId = uniqueName('app');
  return {
    output,
    start: (folder, config = {}) =>
      startCountingApp({
        topology: { input, output, delayMs: DELAY_MS },
        config: {
          applicationId,
          brokers: sharedBrokers(),
          processingGuarantee: 'exactly_once_v2',
          stateDir: folder.path,
          sessionTimeoutMs: 2_000,
          heartbeatIntervalMs: 300,
          transactionTimeoutMs: 2_000,
          ...config,
        },
      }),
    reaches: (total) =>
      until(`${total} counts`, async () => totalOf(await readCounts(output)) >= total, 60_000),
  };
}

const TOTAL = KEYS * PER_KEY;

describe('a process that is killed at work', () => {
  test('as a static member goes on from its own disk, and the result is exact', async () => {
    await using folder = await tempFolder();
    const { start, reaches, output } = await cluster();
    const config = { groupInstanceId: 'one', sessionTimeoutMs: 45_000 };
    for (let killed = 1; killed <= 3; killed++) {
      await using app = await start(folder, config);
      await reaches((TOTAL / 5) * killed);
      await app.kill('SIGKILL');
    }
    await using last = await start(folder, config);
    await reaches(TOTAL);
    expect(await readCounts(output)).toEqual(exactCounts(KEYS, PER_KEY));
    expect(last.states).toEqual(['REBALANCING', 'RUNNING']);
  });

  test('hands its tasks to the other instance, with nothing lost or doubled', async () => {
    await using folder = await tempFolder();
    await using otherFolder = await tempFolder();
    const { start, reaches, output } = await cluster();
    await using one = await start(folder);
    await using other = await start(otherFolder);
    await reaches(TOTAL / 4);
    await one.kill('SIGKILL');
    await reaches(TOTAL);
    expect(await readCounts(output)).toEqual(exactCounts(KEYS, PER_KEY));
    expect(other.states).not.toContain('ERROR');
  });

  test('and one that is stopped hands them over at once', async () => {
    await using folder = await tempFolder();
    await using otherFolder = await tempFolder();
    const { start, reaches, output } = await cluster();
    // A session that long would hold the tasks back for the whole test.
    await using one = await start(folder, { sessionTimeoutMs: 300_000 });
    await using other = await start(otherFolder, { sessionTimeoutMs: 300_000 });
    await reaches(TOTAL / 4);
    expect(await one.kill('SIGTERM')).toBe(0);
    await reaches(TOTAL);
    expect(await readCounts(output)).toEqual(exactCounts(KEYS, PER_KEY));
    expect(other.states).not.toContain('ERROR');
  });

  test('and one that was asleep for longer than its session finds its tasks gone, and takes part again', async () => {
    await using folder = await tempFolder();
    await using otherFolder = await tempFolder();
    const { start, reaches, output } = await cluster();
    await using one = await start(folder);
    await reaches(TOTAL / 8);
    await using other = await start(otherFolder);
    await reaches(TOTAL / 4);
    one.pause();
    await reaches(TOTAL / 2);
    one.resume();
    await reaches(TOTAL);
    expect(await readCounts(output)).toEqual(exactCounts(KEYS, PER_KEY));
    expect(one.states).not.toContain('ERROR');
    expect(other.states).not.toContain('ERROR');
  });
});
