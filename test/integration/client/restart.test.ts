import { Admin } from '../../../src/client/admin.ts';
import { isStreamsError } from '../../../src/common/errors.ts';
import { startKafka, type KafkaBroker } from '../../../src/testing.ts';
import { createTopic, uniqueName } from '../../support/broker.ts';
import {
  bytesOf,
  connectClient,
  openFetcher,
  openProducer,
  readUntil,
} from '../../support/client.ts';
import { joinAlone } from '../../support/group.ts';
import { until } from '../../support/until.ts';

let broker: KafkaBroker;

beforeAll(async () => {
  broker = await startKafka({ source: 'own' });
}, 60_000);

afterAll(async () => {
  await broker.stop();
});

describe('a broker that goes away and comes back', () => {
  test('is waited for: reading, writing and the group go on, nothing lost or doubled', async () => {
    const topic = await createTopic({ brokers: broker.brokers });
    await using client = await connectClient({
      bootstrap: broker.brokers,
      requestTimeoutMs: 5_000,
    });
    const groupId = uniqueName('group');
    const joined = await joinAlone({ client, groupId, topics: [topic], sessionTimeoutMs: 45_000 });
    const producer = await openProducer({ client, transactionalId: uniqueName('txn') });
    const fetcher = await openFetcher({ client });
    fetcher.assign([{ topic, partition: 0, offset: 0 }]);
    /** As a stream thread would: what the group or the coordinator refuses is aborted and done again. */
    const transaction = async (
      values: readonly string[],
      between: (value: string) => Promise<void> = () => Promise.resolve(),
    ): Promise<void> => {
      try {
        for (const value of values) {
          producer.append(topic, 0, null, bytesOf(value), 1_000, []);
          await between(value);
        }
        await producer.flush();
        const { membership } = joined.member;
        if (membership === null) throw new Error('no membership');
        await producer.sendOffsets([{ topic, partition: 0, offset: 1, metadata: '' }], membership);
        await producer.commitTransaction();
      } catch (error) {
        if (!isStreamsError(error) || error.recovery === 'stop') throw error;
        await producer.abortTransaction();
        joined.member.requestRejoin('the transaction failed');
        await joined.member.poll();
        await transaction(values);
      }
    };
    await transaction(['before']);
    await transaction(['open', 'meanwhile'], async (value) => {
      if (value === 'open') {
        await producer.flush();
        await broker.kill();
      } else {
        const flushed = producer.flush();
        await broker.start();
        await flushed;
      }
    });
    await transaction(['after']);

    const admin = new Admin(client);
    const tp = { topic, partition: 0 };
    const ends = await admin.listOffsets([tp], 'latest', 'read_uncommitted');
    const read = await readUntil(fetcher, { 0: ends.get(`${topic}-0`)?.offset ?? 0 }, topic);
    expect((read['0'] ?? []).map((entry) => entry.split(':')[1])).toEqual([
      'before',
      'open',
      'meanwhile',
      'after',
    ]);
    await until('the member is in the group', async () => {
      await joined.member.poll();
      const { members } = await admin.describeGroup(groupId);
      return !joined.member.rejoinNeeded && members.length === 1;
    });
    await fetcher.close();
    await producer.close();
    await joined.member.leave();
  }, 60_000);

  test('one that does not answer costs a request its timeout, and the lane is usable again', async () => {
    await using client = await connectClient({ bootstrap: broker.brokers, requestTimeoutMs: 500 });
    const admin = new Admin(client);
    const topic = await createTopic({ brokers: broker.brokers });
    await broker.pause();
    const startMs = performance.now();
    await expect(client.topics([topic], { refresh: true })).rejects.toMatchObject({
      code: 'STREAMS_CLIENT',
    });
    expect(performance.now() - startMs).toBeLessThan(5_000);
    await broker.resume();
    const found = await admin.describeTopics([topic]);
    expect(found.get(topic)).toMatchObject({ partitionCount: 1 });
  }, 30_000);
});
