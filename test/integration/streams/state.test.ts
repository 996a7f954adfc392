import { open, readdir, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { metric, testApp } from '../../support/app.ts';
import { createTopic } from '../../support/broker.ts';
import { bytesOf, connectClient, openProducer } from '../../support/client.ts';
import { countingTopology } from '../../support/counting-app.ts';
import { countingInput, exactCounts, readCounts, totalOf } from '../../support/counts.ts';
import { produce, withClient } from '../../support/records.ts';
import { until } from '../../support/until.ts';

jest.setTimeout(60_000);

/** An application that has counted 50 records, and is stopped. */
async function stopped(options: Parameters<typeof testApp>[0] = {}) {
  const [input, output] = [await createTopic(), await createTopic()];
  const app = await testApp(options);
  const topology = () => countingTopology({ input, output });
  const reaches = (total: number): Promise<void> =>
    until(`${total} counts`, async () => totalOf(await readCounts(output)) >= total, 30_000);
  await produce(input, countingInput(5, 5));
  const first = await app.start(topology());
  await reaches(25);
  await produce(input, countingInput(5, 5)); // in another commit
  await reaches(50);
  await first.close();
  const changelog = `${app.applicationId}-counts-changelog`;
  const folder = join(app.stateDir, app.applicationId, '1_0');
  return { ...app, input, output, topology, reaches, changelog, folder };
}

/** Turns the bits of one byte. */
async function flip(path: string, position: number): Promise<void> {
  await using file = await open(path, 'r+');
  const byte = Buffer.alloc(1);
  await file.read(byte, 0, 1, position);
  byte[0] = (byte[0] ?? 0) ^ 0xff;
  await file.write(byte, 0, 1, position);
}

describe('state on disk', () => {
  test.each([
    ['a MANIFEST of nonsense', /^MANIFEST/, (path: string) => writeFile(path, 'nonsense')],
    ['a MANIFEST that was cut', /^MANIFEST/, (path: string) => truncate(path, 20)],
    ['no CURRENT', /^CURRENT/, (path: string) => rm(path)],
    ['no log', /\.log$/, (path: string) => rm(path)],
  ])('with %s is found before it is used, and rebuilt', async (_, name, damage) => {
    await using app = await stopped();
    const files = (await readdir(app.folder)).filter((file) => name.test(file));
    expect(files).toHaveLength(1);
    await damage(join(app.folder, files[0] ?? ''));

    await produce(app.input, countingInput(5, 10));
    const second = await app.start(app.topology());
    await app.reaches(100);
    expect(await readCounts(app.output)).toEqual(exactCounts(5, 20));
    expect(metric(second, 'state-wipes-total')).toBe(1);
    expect(metric(second, 'restore-records-total')).toBe(50);
  });

  test('whose log has a bad byte goes on from before it, and the rest is replayed', async () => {
    await using app = await stopped();
    const [log = ''] = (await readdir(app.folder)).filter((file) => file.endsWith('.log'));
    await flip(join(app.folder, log), 10);
    await produce(app.input, countingInput(5, 10));
    const second = await app.start(app.topology());
    await app.reaches(100);
    expect(await readCounts(app.output)).toEqual(exactCounts(5, 20));
    expect(metric(second, 'restore-records-total')).toBe(50);
  });

  test('of a changelog that was made again is not mixed with the new one', async () => {
    await using app = await stopped();
    await withClient((admin) => admin.deleteTopics([app.changelog]));
    await createTopic({ topic: app.changelog, configs: { 'cleanup.policy': 'compact' } });

    await produce(app.input, countingInput(5, 10));
    const second = await app.start(app.topology());
    await app.reaches(100);
    const counts = await readCounts(app.output);
    // The old counts are gone with the topic that held them.
    expect(counts['value-0']?.slice(10)).toEqual(exactCounts(5, 10)['value-0']);
    const wipes = second.metrics().snapshot();
    expect(wipes.find(({ name }) => name === 'state-wipes-total')?.tags['reason']).toBe(
      'topic-recreated',
    );
  });

  test('of a source topic that was made again is neither used nor touched', async () => {
    await using app = await stopped();
    await withClient((admin) => admin.deleteTopics([app.input]));
    await createTopic({ topic: app.input });
    await produce(app.input, countingInput(5, 10));

    const refused = app.create(app.topology());
    await expect(refused.start()).rejects.toMatchObject({ code: 'STREAMS_TOPIC_RECREATED' });
    expect(refused.error?.message).toContain(`topic ${app.input}`);
    expect(await readdir(app.folder)).toContain('CURRENT');
    expect(await readCounts(app.output)).toEqual(exactCounts(5, 10));
  });

  test('waits for a transaction that somebody left open, and says so when that takes too long', async () => {
    await using app = await stopped({
      restoreStallTimeoutMs: 1_000,
      taskTimeoutMs: 500,
    });
    await rm(app.folder, { recursive: true });
    await using client = await connectClient();
    const stranger = await openProducer({ client, transactionalId: `${app.applicationId}-other` });
    await stranger.prepareTopics([app.changelog]);
    stranger.append(app.changelog, 0, bytesOf('value-0'), bytesOf('nonsense'), Date.now(), []);
    await stranger.flush();

    const blocked = app.create(app.topology());
    await expect(blocked.start()).rejects.toMatchObject({ code: 'STREAMS_RESTORE_STALLED' });
    expect(blocked.error?.message).toContain(`${app.changelog}-0 at `);

    await stranger.abortTransaction();
    await produce(app.input, countingInput(5, 10));
    await app.start(app.topology());
    await app.reaches(100);
    expect(await readCounts(app.output)).toEqual(exactCounts(5, 20));
  });

  test('can be deleted while nothing runs, and only then', async () => {
    await using app = await stopped();
    const second = await app.start(app.topology());
    await expect(second.cleanUp()).rejects.toMatchObject({ code: 'STREAMS_NOT_RUNNING' });
    await second.close();
    await second.cleanUp();
    await expect(readdir(app.folder)).rejects.toThrow('ENOENT');
  });
});
