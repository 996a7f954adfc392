import { createTopic } from '../../support/broker.ts';
import { metric, testApp } from '../../support/app.ts';
import { countingTopology } from '../../support/counting-app.ts';
import { countingInput, exactCounts, readCounts, totalOf } from '../../support/counts.ts';
import { produce, withClient } from '../../support/records.ts';
import { until } from '../../support/until.ts';

jest.setTimeout(60_000);

async function counting(options: Parameters<typeof testApp>[0] = {}) {
  const input = await createTopic({ partitions: 3 });
  const output = await createTopic({ partitions: 2 });
  const app = await testApp(options);
  const topology = () => countingTopology({ input, output });
  const reaches = (total: number): Promise<void> =>
    until(`${total} counts`, async () => totalOf(await readCounts(output)) >= total, 30_000);
  return { ...app, input, output, topology, reaches };
}

describe('an application under exactly once', () => {
  test('counts every record once, and shows what it has committed', async () => {
    await using app = await counting();
    await produce(app.input, countingInput(10, 100));
    const streams = await app.start(app.topology());
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
    await using app = await counting();
    const streams = await app.start(app.topology());
    const states: string[] = [];
    streams.onStateChange((state) => states.push(state));
    expect(await streams.close()).toBe(true);
    expect(await streams.close()).toBe(true);
    expect(states).toEqual(['PENDING_SHUTDOWN', 'NOT_RUNNING']);
    const group = await withClient((admin) => admin.describeGroup(app.applicationId));
    expect(group.members).toEqual([]);
    await expect(streams.start()).rejects.toMatchObject({ code: 'STREAMS_NOT_RUNNING' });
  });

  test('as a static member keeps its place when it is closed, unless told otherwise', async () => {
    await using app = await counting({ groupInstanceId: 'one' });
    const members = async (): Promise<number> =>
      (await withClient((admin) => admin.describeGroup(app.applicationId))).members.length;
    await (await app.start(app.topology())).close();
    expect(await members()).toBe(1);
    await (await app.start(app.topology())).close({ leaveGroup: true });
    expect(await members()).toBe(0);
  });

  test('as a static member that comes back as another release gets the tasks of that', async () => {
    await using app = await counting({ groupInstanceId: 'one' });
    const other = await createTopic({ partitions: 2 });
    await (await app.start(app.topology())).close();

    await produce(app.input, countingInput(2, 5));
    await produce(other, [{ key: 'new', value: 'release' }]);
    const next = await app.start(
      countingTopology({ input: app.input, output: app.output, copy: other }),
    );
    await app.reaches(10);
    await until(
      'the new input',
      () => Promise.resolve(metric(next, 'process-total') >= 21),
      10_000,
    );
  });

  test('goes on from its own disk after a clean stop, restoring nothing', async () => {
    await using app = await counting();
    await produce(app.input, countingInput(5, 20));
    const first = await app.start(app.topology());
    await app.reaches(100);
    await first.close();

    await produce(app.input, countingInput(5, 20));
    const second = await app.start(app.topology());
    await app.reaches(200);
    expect(await readCounts(app.output)).toEqual(exactCounts(5, 40));
    expect(metric(second, 'restore-records-total')).toBe(0);
  });

  test('rebuilds its state from the changelog when the disk is gone, and tells its progress', async () => {
    await using app = await counting();
    await produce(app.input, countingInput(5, 20));
    const first = await app.start(app.topology());
    await app.reaches(100);
    await first.close();
    await first.cleanUp();

    await produce(app.input, countingInput(5, 20));
    const events: string[] = [];
    const second = app.create(app.topology());
    second.onRestore({
      start: ({ store, offset }) => events.push(`start ${store} ${offset}`),
      end: ({ store, offset, endOffset }) => events.push(`end ${store} ${offset - endOffset}`),
    });
    await second.start();
    await app.reaches(200);
    expect(await readCounts(app.output)).toEqual(exactCounts(5, 40));
    expect(metric(second, 'restore-records-total')).toBe(100);
    expect(new Set(events)).toEqual(new Set(['start counts 0', 'end counts 0']));
  });

  test('deletes from its repartition topic what it has committed, and nothing else', async () => {
    await using app = await counting({ repartitionPurgeIntervalMs: 200 });
    await produce(app.input, countingInput(5, 20));
    await app.start(app.topology());
    await app.reaches(100);
    const repartition = `${app.applicationId}-by-value-repartition`;
    const starts = (topic: string): Promise<number> =>
      withClient(async (admin) => {
        const partitions = [0, 1, 2].map((partition) => ({ topic, partition }));
        const offsets = await admin.listOffsets(partitions, 'earliest', 'read_uncommitted');
        return [...offsets.values()].reduce((sum, { offset }) => sum + offset, 0);
      });
    await until('a purge', async () => (await starts(repartition)) >= 100);
    expect(await starts(app.input)).toBe(0);
    await produce(app.input, countingInput(5, 20));
    await app.reaches(200);
    expect(await readCounts(app.output)).toEqual(exactCounts(5, 40));
  });

  test('is closed by a signal, before it runs as well as after', async () => {
    await using app = await counting();
    const early = new AbortController();
    const first = app.create(app.topology());
    const started = first.start({ signal: early.signal });
    early.abort(new Error('enough'));
    await expect(started).rejects.toThrow('enough');
    expect(first.state).toBe('NOT_RUNNING');

    const late = new AbortController();
    const second = await app.start(app.topology(), { signal: late.signal });
    late.abort();
    await second.close();
    expect(second.state).toBe('NOT_RUNNING');
  });
});

describe('an application at least once', () => {
  test('counts every record where nothing fails, and goes on from its own disk', async () => {
    await using app = await counting({
      processingGuarantee: 'at_least_once',
      commitIntervalMs: 100,
    });
    await produce(app.input, countingInput(5, 20));
    const first = await app.start(app.topology());
    await app.reaches(100);
    await first.close();

    await produce(app.input, countingInput(5, 20));
    const second = await app.start(app.topology());
    await app.reaches(200);
    expect(await readCounts(app.output)).toEqual(exactCounts(5, 40));
    expect(metric(second, 'restore-records-total')).toBe(0);
  });
});
