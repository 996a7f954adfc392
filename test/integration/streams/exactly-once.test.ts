import { KafkaStreams, type KafkaStreamsOptions } from '../../../src/index.ts';
import { createTopic, sharedBrokers, uniqueName } from '../../support/broker.ts';
import { countingTopology } from '../../support/counting-app.ts';
import { countingInput, exactCounts, readCounts, totalOf } from '../../support/counts.ts';
import { produce, withClient } from '../../support/records.ts';
import { tempFolder } from '../../support/temp-folder.ts';
import { until } from '../../support/until.ts';

jest.setTimeout(60_000);

async function application(options: Partial<KafkaStreamsOptions> = {}) {
  const input = await createTopic({ partitions: 3 });
  const output = await createTopic({ partitions: 2 });
  const folder = await tempFolder();
  const applicationId = uniqueName('app');
  const start = async (more: Partial<KafkaStreamsOptions> = {}): Promise<KafkaStreams> => {
    const streams = new KafkaStreams(countingTopology({ input, output }), {
      applicationId,
      brokers: sharedBrokers(),
      processingGuarantee: 'exactly_once_v2',
      stateDir: folder.path,
      ...options,
      ...more,
    });
    await streams.start();
    return streams;
  };
  const reaches = (total: number): Promise<void> =>
    until(`${total} counts`, async () => totalOf(await readCounts(output)) >= total, 30_000);
  return {
    ...{ input, output, applicationId, start, reaches },
    stateDir: folder.path,
    [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
  };
}

const restoredRecords = (streams: KafkaStreams): number =>
  streams
    .metrics()
    .snapshot()
    .filter(({ name }) => name === 'restore-records-total')
    .reduce((sum, { value }) => sum + value, 0);

describe('an application under exactly once', () => {
  test('counts every record once, and shows what it has committed', async () => {
    await using app = await application();
    await produce(app.input, countingInput(10, 100));
    await using streams = await app.start();
    await app.reaches(1_000);
    expect(await readCounts(app.output)).toEqual(exactCounts(10, 100));

    const counts = streams.store<string, number>('counts');
    expect(counts.get('value-3')).toBe(100);
    expect(counts.get('value-10')).toBeNull();
    const all = new Map<string, number>();
    for await (const [key, count] of counts.all()) all.set(key, count);
    expect([...all].sort()).toEqual(
      Array.from({ length: 10 }, (_, number) => [`value-${number}`, 100]),
    );
  });

  test('leaves the group when it is closed, and says so with its state', async () => {
    await using app = await application();
    const streams = await app.start();
    const states: string[] = [];
    streams.onStateChange((state) => states.push(state));
    expect(await streams.close()).toBe(true);
    expect(await streams.close()).toBe(true);
    expect(states).toEqual(['PENDING_SHUTDOWN', 'NOT_RUNNING']);
    const group = await withClient((admin) => admin.describeGroup(app.applicationId));
    expect(group.members).toEqual([]);
    await expect(streams.start()).rejects.toMatchObject({ code: 'STREAMS_NOT_RUNNING' });
  });

  test('goes on from its own disk after a clean stop, restoring nothing', async () => {
    await using app = await application();
    await produce(app.input, countingInput(5, 20));
    await (
      await app.start().then(async (streams) => {
        await app.reaches(100);
        return streams;
      })
    ).close();

    await produce(app.input, countingInput(5, 20));
    await using streams = await app.start();
    await app.reaches(200);
    expect(await readCounts(app.output)).toEqual(exactCounts(5, 40));
    expect(restoredRecords(streams)).toBe(0);
  });

  test('rebuilds its state from the changelog when the disk is gone, and tells its progress', async () => {
    await using app = await application();
    await produce(app.input, countingInput(5, 20));
    const first = await app.start();
    await app.reaches(100);
    await first.close();
    await first.cleanUp();

    await produce(app.input, countingInput(5, 20));
    const events: string[] = [];
    const second = new KafkaStreams(countingTopology(app), {
      applicationId: app.applicationId,
      brokers: sharedBrokers(),
      processingGuarantee: 'exactly_once_v2',
      stateDir: app.stateDir,
    });
    second.onRestore({
      start: ({ store, offset }) => events.push(`start ${store} ${offset}`),
      end: ({ store, offset, endOffset }) => events.push(`end ${store} ${offset - endOffset}`),
    });
    await using _ = second;
    await second.start();
    await app.reaches(200);
    expect(await readCounts(app.output)).toEqual(exactCounts(5, 40));
    expect(restoredRecords(second)).toBe(100);
    expect(new Set(events)).toEqual(new Set(['start counts 0', 'end counts 0']));
  });
});
