import type { GroupMember } from '../../../src/client/group-member.ts';
import { Admin } from '../../../src/client/admin.ts';
import { commitOffsets, fetchCommitted } from '../../../src/client/committed-offsets.ts';
import type { KafkaClient } from '../../../src/client/kafka-client.ts';
import type { Membership } from '../../../src/client/membership.ts';
import type { Producer } from '../../../src/client/producer.ts';
import { startKafka, type KafkaBroker } from '../../../src/testing.ts';
import { sharedBrokers, uniqueName } from '../../support/broker.ts';
import {
  bytesOf,
  connectClient,
  openFetcher,
  openProducer,
  readUntil,
} from '../../support/client.ts';
import { joinAlone } from '../../support/group.ts';
import { until } from '../../support/until.ts';

interface Scene extends AsyncDisposable {
  readonly client: KafkaClient;
  readonly admin: Admin;
  readonly topic: string;
  readonly groupId: string;
  readonly member: GroupMember;
  readonly membership: Membership;
  readonly producer: Producer;
  readonly transactionalId: string;
  /** Appends to partition 0, or another, and waits for the acknowledgements. */
  write(...values: string[]): Promise<void>;
  /** Puts an offset of the input into the transaction. */
  offset(offset: number, membership?: Membership): Promise<void>;
  /** What a consumer reads of partition 0 up to the high watermark. */
  committed(): Promise<string[]>;
  committedOffset(): Promise<number | null>;
}

async function scene(bootstrap: readonly string[]): Promise<Scene> {
  const client = await connectClient({ bootstrap });
  const admin = new Admin(client);
  const topic = uniqueName('out');
  const groupId = uniqueName('group');
  await admin.createTopics(
    [
      { name: topic, partitions: 2, replicationFactor: 1, config: {} },
      { name: `${topic}-in`, partitions: 1, replicationFactor: 1, config: {} },
    ],
    { timeoutMs: 20_000 },
  );
  const { member, membership } = await joinAlone({ client, groupId, topics: [`${topic}-in`] });
  const transactionalId = uniqueName('txn');
  const producer = await openProducer({ client, transactionalId });
  await producer.prepareTopics([topic]);
  return {
    client,
    admin,
    topic,
    groupId,
    member,
    membership,
    producer,
    transactionalId,
    async write(...values) {
      for (const value of values) producer.append(topic, 0, null, bytesOf(value), 1_000, []);
      await producer.flush();
    },
    async offset(offset, as = membership) {
      await producer.sendOffsets(
        [{ topic: `${topic}-in`, partition: 0, offset, metadata: 'm' }],
        as,
      );
    },
    async committed() {
      const tp = { topic, partition: 0 };
      const ends = await admin.listOffsets([tp], 'latest', 'read_uncommitted');
      const end = ends.get(`${topic}-0`)?.offset ?? -1;
      const fetcher = await openFetcher({ client });
      fetcher.assign([{ ...tp, offset: 0 }]);
      const read = await readUntil(fetcher, { 0: end }, topic);
      await fetcher.close();
      return (read['0'] ?? []).map((entry) => entry.split(':')[1] ?? '');
    },
    async committedOffset() {
      const offsets = await fetchCommitted(
        client,
        groupId,
        [{ topic: `${topic}-in`, partition: 0 }],
        {
          requireStable: true,
          deadlineMs: 20_000,
        },
      );
      return offsets.get(`${topic}-in-0`)?.offset ?? null;
    },
    async [Symbol.asyncDispose]() {
      await member.leave();
      await producer.close();
      await client.close();
    },
  };
}

let older: KafkaBroker;

beforeAll(async () => {
  older = await startKafka({ source: 'own', transactionVersion: 1 });
}, 60_000);

afterAll(async () => {
  await older.stop();
});

// Kafka 3.9 knows protocol 1 only; then both are the same.
describe.each([
  ['the cluster as it is', () => sharedBrokers()],
  ['transaction.version 1', () => older.brokers],
])('transactions on %s', (_name, brokers) => {
  test('a committed transaction moves records and offsets together', async () => {
    await using s = await scene(brokers());
    await s.write('a', 'b');
    await s.offset(2);
    expect(s.producer.inTransaction).toBe(true);
    await s.producer.commitTransaction();

    expect(s.producer.inTransaction).toBe(false);
    expect(s.producer.ackedOffset(s.topic, 0)).toBe(1);
    expect(await s.committed()).toEqual(['a', 'b']);
    expect(await s.committedOffset()).toBe(2);
  });

  test('an aborted transaction leaves neither, and the next one works', async () => {
    await using s = await scene(brokers());
    await s.write('lost');
    await s.offset(1);
    await s.producer.abortTransaction();
    await s.write('kept');
    await s.offset(5);
    await s.producer.commitTransaction();

    expect(await s.committed()).toEqual(['kept']);
    expect(await s.committedOffset()).toBe(5);
  });

  test('twenty transactions in a row, each on both partitions, keep everything in order', async () => {
    await using s = await scene(brokers());
    const expected: string[] = [];
    for (let round = 0; round < 20; round++) {
      const isAborted = round % 5 === 3;
      s.producer.append(s.topic, 1, bytesOf('k'), bytesOf('other'), 1_000, []);
      await s.write(`${round}`);
      await s.offset(round);
      if (isAborted) await s.producer.abortTransaction();
      else await s.producer.commitTransaction();
      if (!isAborted) expected.push(`${round}`);
    }
    expect(await s.committed()).toEqual(expected);
    expect(await s.committedOffset()).toBe(19);
  });

  test('a commit of nothing sends nothing, and an abort of nothing neither', async () => {
    await using s = await scene(brokers());
    await s.producer.commitTransaction();
    await s.producer.abortTransaction();
    expect(await s.committed()).toEqual([]);
  });

  test('a transaction without offsets cannot be committed: nothing would guard it against a zombie', async () => {
    await using s = await scene(brokers());
    await s.write('a');
    await expect(s.producer.commitTransaction()).rejects.toMatchObject({
      code: 'STREAMS_INVARIANT',
    });
  });

  test('offsets of an earlier generation, or of nobody, are refused', async () => {
    await using s = await scene(brokers());
    const { membership } = s;
    for (const zombie of [
      { ...membership, generationId: membership.generationId - 1 },
      { ...membership, memberId: 'somebody-else' },
    ]) {
      await s.write('zombie');
      await expect(s.offset(7, zombie)).rejects.toMatchObject({
        code: zombie.generationId < 0 ? 'STREAMS_INVARIANT' : 'STREAMS_TASK_MIGRATED',
      });
      await s.producer.abortTransaction();
    }
    for (const nobody of [
      { ...membership, memberId: '' },
      { ...membership, generationId: -1 },
    ]) {
      await expect(s.offset(7, nobody)).rejects.toMatchObject({ code: 'STREAMS_INVARIANT' });
      await expect(commitOffsets(s.client, nobody, [])).rejects.toMatchObject({
        code: 'STREAMS_INVARIANT',
      });
    }
    await s.producer.abortTransaction();
    expect(await s.committed()).toEqual([]);
    expect(await s.committedOffset()).toBeNull();
  });

  test('a producer whose transactional id was taken can only abort; its records are never seen', async () => {
    await using s = await scene(brokers());
    await s.write('old');
    const successor = await openProducer({ client: s.client, transactionalId: s.transactionalId });
    await expect(s.offset(1)).rejects.toMatchObject({ recovery: 'restore' });
    successor.append(s.topic, 0, null, bytesOf('new'), 1_000, []);
    await successor.flush();
    await successor.sendOffsets(
      [{ topic: `${s.topic}-in`, partition: 0, offset: 9, metadata: '' }],
      s.membership,
    );
    await successor.commitTransaction();
    expect(await s.committed()).toEqual(['new']);
    expect(await s.committedOffset()).toBe(9);
    await successor.close();
  });

  test('a transaction beyond its timeout is refused at its end, and the producer goes on after an abort', async () => {
    await using s = await scene(brokers());
    const producer = await openProducer({
      client: s.client,
      transactionalId: uniqueName('slow'),
      transactionTimeoutMs: 500,
    });
    producer.append(s.topic, 0, null, bytesOf('late'), 1_000, []);
    await producer.flush();
    const tp = { topic: s.topic, partition: 0 };
    // Once the coordinator has aborted it, the last stable offset passes the record.
    await until('the transaction times out', async () => {
      const found = await s.admin.listOffsets([tp], 'latest', 'read_committed');
      return (found.get(`${s.topic}-0`)?.offset ?? 0) > 0;
    });
    const input = [{ topic: `${s.topic}-in`, partition: 0, offset: 3, metadata: '' }];
    const end = async (): Promise<void> => {
      await producer.sendOffsets(input, s.membership);
      await producer.commitTransaction();
    };
    await expect(end()).rejects.toMatchObject({ recovery: 'restore' });
    await producer.abortTransaction();
    producer.append(s.topic, 0, null, bytesOf('again'), 1_000, []);
    await producer.flush();
    await end();
    expect(await s.committed()).toEqual(['again']);
    await producer.close();
  });
});
