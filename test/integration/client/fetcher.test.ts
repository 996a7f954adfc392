import { Admin } from '../../../src/client/admin.ts';
import type { KafkaClient } from '../../../src/client/kafka-client.ts';
import { createTopic, uniqueName } from '../../support/broker.ts';
import {
  bytesOf,
  connectClient,
  openFetcher,
  openProducer,
  readUntil,
  valuesOf,
} from '../../support/client.ts';
import { until } from '../../support/until.ts';

let client: KafkaClient;
let admin: Admin;

beforeAll(async () => {
  client = await connectClient();
  admin = new Admin(client);
});

afterAll(async () => {
  await client.close();
});

async function write(topic: string, partition: number, ...values: string[]): Promise<void> {
  const producer = await openProducer({ client, transactionalId: null });
  for (const value of values) producer.append(topic, partition, null, bytesOf(value), 1_000, []);
  await producer.flush();
  await producer.close();
}

describe('fetcher', () => {
  test('reads each partition from its offset and goes on when more is written', async () => {
    const topic = await createTopic({ partitions: 2 });
    await write(topic, 0, 'a', 'b', 'c');
    await write(topic, 1, 'x');
    const fetcher = await openFetcher({ client });
    fetcher.assign([
      { topic, partition: 0, offset: 1 },
      { topic, partition: 1, offset: 0 },
    ]);
    expect(await readUntil(fetcher, { 0: 3, 1: 1 }, topic)).toEqual({
      // The batch holds record 0 too; it was not asked for.
      0: ['1:b', '2:c'],
      1: ['0:x'],
    });
    expect(fetcher.lag(topic, 0)).toBe(0);
    await write(topic, 1, 'y');
    expect(await readUntil(fetcher, { 1: 2 }, topic)).toEqual({ 1: ['1:y'] });
    await fetcher.close();
  });

  test('the lag is unknown before the first answer, then what is left to the end', async () => {
    const topic = await createTopic();
    const fetcher = await openFetcher({ client });
    expect(fetcher.lag(topic, 0)).toBeUndefined();
    fetcher.assign([{ topic, partition: 0, offset: 0 }]);
    expect(fetcher.lag(topic, 0)).toBeUndefined();
    await until('an answer of an empty log', () => fetcher.lag(topic, 0) === 0);
    await write(topic, 0, 'a', 'b');
    await until('the records are there', () => fetcher.lag(topic, 0) === 2);
    await fetcher.poll(1_000);
    expect(fetcher.lag(topic, 0)).toBe(0);
    await fetcher.close();
  });

  test('a paused partition gives nothing and keeps its place', async () => {
    const topic = await createTopic({ partitions: 2 });
    await write(topic, 0, 'a');
    const fetcher = await openFetcher({ client });
    fetcher.assign([
      { topic, partition: 0, offset: 0 },
      { topic, partition: 1, offset: 0 },
    ]);
    fetcher.pause([{ topic, partition: 0 }]);
    await write(topic, 1, 'x');
    expect(await readUntil(fetcher, { 1: 1 }, topic)).toEqual({ 1: ['0:x'] });
    expect(fetcher.position(topic, 0)).toBe(0);
    fetcher.resume([{ topic, partition: 0 }]);
    expect(await readUntil(fetcher, { 0: 1 }, topic)).toEqual({ 0: ['0:a'] });
    await fetcher.close();
  });

  test('never holds more than its limit, and a log larger than that is read to the end', async () => {
    const topic = await createTopic({ partitions: 2 });
    const large = 'v'.repeat(10_000);
    const producer = await openProducer({ client, transactionalId: null, batchBytes: 30_000 });
    for (let index = 0; index < 200; index++) {
      producer.append(topic, index % 2, null, bytesOf(`${index} ${large}`), 1_000, []);
    }
    await producer.flush();
    await producer.close();
    const prefetchBytes = 100_000;
    const fetcher = await openFetcher({ client, prefetchBytes, maxPartitionBytes: 50_000 });
    fetcher.assign([
      { topic, partition: 0, offset: 0 },
      { topic, partition: 1, offset: 0 },
    ]);
    let polls = 0;
    const read: string[] = [];
    while (read.length < 200) {
      await until('the fetcher has something', () => (fetcher.lag(topic, 0) ?? 0) >= 0);
      const chunks = await fetcher.poll(1_000);
      const bytes = chunks.reduce((sum, chunk) => sum + chunk.byteLength, 0);
      // A batch that was asked for may be larger than what was left.
      expect(bytes).toBeLessThanOrEqual(prefetchBytes + 2 * 30_000);
      polls++;
      read.push(...chunks.flatMap(valuesOf));
    }
    expect(polls).toBeGreaterThan(10);
    expect(read).toHaveLength(200);
    await fetcher.close();
  });

  test('an offset outside of the log is an error at each poll, others are still read after a seek', async () => {
    const topic = await createTopic({ partitions: 2 });
    await write(topic, 0, 'a');
    await write(topic, 1, 'x');
    const fetcher = await openFetcher({ client });
    fetcher.assign([
      { topic, partition: 0, offset: 77 },
      { topic, partition: 1, offset: 0 },
    ]);
    const failing = expect.objectContaining({
      code: 'STREAMS_OFFSET_OUT_OF_RANGE',
      site: expect.objectContaining({ topic, partition: 0, offset: 77 }) as unknown,
    }) as unknown;
    await until('the broker refuses', async () => {
      try {
        await fetcher.poll(100);
        return false;
      } catch (error) {
        expect(error).toEqual(failing);
        return true;
      }
    });
    expect(() => fetcher.tryPoll()).toThrow('OFFSET_OUT_OF_RANGE');
    fetcher.seek({ topic, partition: 0 }, 0);
    const position1 = fetcher.position(topic, 1) ?? 0;
    const read = await readUntil(fetcher, { 0: 1, 1: 1 }, topic);
    expect(read['0']).toEqual(['0:a']);
    if (position1 === 0) expect(read['1']).toEqual(['0:x']);
    await fetcher.close();
  });

  test('a topic that was deleted and made again is noticed, not read as if it were the same', async () => {
    const topic = await createTopic();
    await write(topic, 0, 'old');
    const fetcher = await openFetcher({ client });
    fetcher.assign([{ topic, partition: 0, offset: 0 }]);
    await readUntil(fetcher, { 0: 1 }, topic);
    await admin.deleteTopics([topic]);
    await until('the topic is gone', async () => {
      return (await admin.describeTopics([topic])).get(topic) === undefined;
    });
    await admin.createTopics([{ name: topic, partitions: 1, replicationFactor: 1, config: {} }], {
      timeoutMs: 20_000,
    });
    await write(topic, 0, 'new', 'newer');
    const readOn = async (): Promise<string[]> => {
      const values: string[] = [];
      const endMs = performance.now() + 10_000;
      while (performance.now() < endMs) values.push(...(await fetcher.poll(200)).flatMap(valuesOf));
      return values;
    };
    await expect(readOn()).rejects.toMatchObject({ code: 'STREAMS_TOPIC_RECREATED' });
    await fetcher.close();
  });

  test('an id of another topic than the one of that name is noticed before anything is read', async () => {
    const topic = await createTopic();
    await write(topic, 0, 'a');
    const fetcher = await openFetcher({ client });
    fetcher.assign([{ topic, partition: 0, offset: 0, topicId: 'ab'.repeat(16) }]);
    await expect(readUntil(fetcher, { 0: 1 }, topic)).rejects.toMatchObject({
      code: 'STREAMS_TOPIC_RECREATED',
    });
    await fetcher.close();
  });

  test('a topic that does not exist is an error after a while', async () => {
    const fetcher = await openFetcher({ client, missingTopicTimeoutMs: 200 });
    const topic = uniqueName('missing');
    fetcher.assign([{ topic, partition: 0, offset: 0 }]);
    await expect(readUntil(fetcher, { 0: 1 }, topic)).rejects.toMatchObject({
      code: 'STREAMS_TOPIC_MISSING',
    });
    await fetcher.close();
  });

  test('a new partition does not wait for the long poll of another', async () => {
    const topic = await createTopic({ partitions: 2 });
    await write(topic, 1, 'x');
    const fetcher = await openFetcher({ client, maxWaitMs: 10_000 });
    fetcher.assign([{ topic, partition: 0, offset: 0 }]);
    await until('the long poll is under way', async () => {
      await fetcher.poll(50);
      return client.isFresh(topic);
    });
    const startMs = performance.now();
    fetcher.assign([
      { topic, partition: 0, offset: 0 },
      { topic, partition: 1, offset: 0 },
    ]);
    expect(await readUntil(fetcher, { 1: 1 }, topic)).toEqual({ 1: ['0:x'] });
    expect(performance.now() - startMs).toBeLessThan(5_000);
    await fetcher.close();
  });

  test('what is open is held back from read_committed, and its lag ends where it begins', async () => {
    const topic = await createTopic();
    const open = await openProducer({ client, transactionalId: uniqueName('open') });
    await write(topic, 0, 'before');
    open.append(topic, 0, null, bytesOf('pending'), 1_000, []);
    await open.flush();
    await write(topic, 0, 'after');
    const committed = await openFetcher({ client });
    committed.assign([{ topic, partition: 0, offset: 0 }]);
    expect(await readUntil(committed, { 0: 1 }, topic)).toEqual({ 0: ['0:before'] });
    expect(await committed.poll(300)).toEqual([]);
    expect(committed.lag(topic, 0)).toBe(0);
    await open.abortTransaction();
    expect(await readUntil(committed, { 0: 3 }, topic)).toEqual({ 0: ['2:after'] });
    await committed.close();
    await open.close();
  });
});
