import { createPartitions } from '../../../src/wire/messages/create-partitions.ts';
import { createTopics } from '../../../src/wire/messages/create-topics.ts';
import { deleteRecords } from '../../../src/wire/messages/delete-records.ts';
import { deleteTopics } from '../../../src/wire/messages/delete-topics.ts';
import { describeConfigs } from '../../../src/wire/messages/describe-configs.ts';
import { initProducerId } from '../../../src/wire/messages/init-producer-id.ts';
import { listOffsets } from '../../../src/wire/messages/list-offsets.ts';
import { metadata } from '../../../src/wire/messages/metadata.ts';
import { offsetForLeaderEpoch } from '../../../src/wire/messages/offset-for-leader-epoch.ts';
import { expectFidelity, RECORD_TIME_MS, type FidelityRun } from '../../support/fidelity.ts';
import { fetchFrom, makeTopic, produceTo, topicIdOf } from '../../support/fidelity-requests.ts';
import { until } from '../../support/until.ts';

jest.setTimeout(60_000);

/** The embedded broker answers as a real one does. */
describe('an idempotent producer', () => {
  test('duplicates are recognized by sequence among five; gaps, overlaps and old ones are refused', () =>
    expectFidelity(async (run) => {
      const topic = await makeTopic(run, 'topic', 2);
      const { producerId, producerEpoch } = await run.send(initProducerId, 4, {
        transactionalId: null,
        transactionTimeoutMs: 0,
      });
      const send = (values: string[], baseSequence: number, epoch = producerEpoch, partition = 0) =>
        produceTo(run, values, {
          topic,
          partition,
          producerId,
          producerEpoch: epoch,
          baseSequence,
        });
      for (let sequence = 0; sequence < 14; sequence += 2) await send(['a', 'b'], sequence);
      await send(['a', 'b'], 12);
      await send(['x', 'y'], 6);
      await send(['a', 'b'], 4);
      await send(['a', 'b', 'c'], 12);
      await send(['a'], 13);
      await send(['a'], 15);
      await send(['a'], 5, producerEpoch, 1);
      await send(['a'], 3, producerEpoch + 1);
      await send(['a'], 0, producerEpoch + 1);
      await send(['a'], 14);
      await fetchFrom(run, topic, { isolation: 0 });
    }));
});

describe('a log', () => {
  test('fetches from any offset, cut at any size, and says what is wrong with the others', () =>
    expectFidelity(async (run) => {
      const topic = await makeTopic(run, 'topic');
      await fetchFrom(run, topic);
      await produceTo(run, ['a', 'b', 'c'], { topic });
      await produceTo(run, ['d'], { topic });
      for (const offset of [0, 1, 3, 4]) await fetchFrom(run, topic, { offset });
      for (const maxBytes of [0, 1, 61, 120, 160]) await fetchFrom(run, topic, { maxBytes });
      for (const offset of [-1, 5]) await fetchFrom(run, topic, { offset, isolation: 0 });
      await fetchFrom(run, topic, { offset: 9, epoch: 0 });
      await fetchFrom(run, topic, { partition: 7 });
      await fetchFrom(run, 'no-such-topic');
      const id = await topicIdOf(run, topic);
      for (const version of [13, 15, 17]) await fetchFrom(run, id, { version });
      await fetchFrom(run, '11111111111111111111111111111111', { version: 13 });
      for (const timestamp of [-1, -2, -3, RECORD_TIME_MS, RECORD_TIME_MS + 1]) {
        for (const [name, partitionIndex] of [
          [topic, 0],
          [topic, 5],
        ] as const) {
          const partitions = [{ partitionIndex, timestamp }];
          await run.send(listOffsets, 7, { replicaId: -1, topics: [{ name, partitions }] });
        }
      }
      for (const currentLeaderEpoch of [0, 5]) {
        await run.send(offsetForLeaderEpoch, 4, {
          topics: [{ topic, partitions: [{ partition: 0, currentLeaderEpoch, leaderEpoch: 0 }] }],
        });
        const partitions = [{ partitionIndex: 0, timestamp: -1, currentLeaderEpoch }];
        await run.send(listOffsets, 7, { replicaId: -1, topics: [{ name: topic, partitions }] });
      }
    }));

  test('refuses times, keys, sizes and acks that it does not take', () =>
    expectFidelity(async (run) => {
      const topic = await makeTopic(run, 'topic');
      const hourMs = 3_600_000;
      for (const ms of [hourMs / 2, 2 * hourMs, 10 * 365 * 24 * hourMs]) {
        await produceTo(run, ['a', 'b'], { topic, timestampMs: Date.now() + ms });
      }
      for (const timestampMs of [-1, 0]) await produceTo(run, ['a'], { topic, timestampMs });
      const any = { 'message.timestamp.after.max.ms': '9223372036854775807' };
      const free = await makeTopic(run, 'free', 1, any);
      await produceTo(run, ['a'], { topic: free, timestampMs: Date.now() + 2 * hourMs });
      const appended = await makeTopic(run, 'appended', 1, {
        'message.timestamp.type': 'LogAppendTime',
      });
      await produceTo(run, ['a'], { topic: appended, timestampMs: Date.now() + 2 * hourMs });
      await fetchFrom(run, appended);
      const compacted = await makeTopic(run, 'compacted', 1, { 'cleanup.policy': 'compact' });
      await produceTo(run, ['a'], { topic: compacted, key: null });
      await produceTo(run, ['a'], { topic: compacted });
      const small = await makeTopic(run, 'small', 1, { 'max.message.bytes': '100' });
      await produceTo(run, ['x'.repeat(200)], { topic: small });
      await produceTo(run, ['a'], { topic, acks: 2 });
      await produceTo(run, ['a'], { topic: 'no-such-topic' });
      await produceTo(run, ['a'], { topic, partition: 3 });
    }));

  test('records are deleted up to an offset, inside a batch too', () =>
    expectFidelity(async (run) => {
      const topic = await makeTopic(run, 'topic');
      const both = await makeTopic(run, 'both', 1, { 'cleanup.policy': 'compact,delete' });
      const compacted = await makeTopic(run, 'compacted', 1, { 'cleanup.policy': 'compact' });
      for (const name of [topic, both, compacted]) {
        await produceTo(run, ['a', 'b', 'c'], { topic: name });
        await produceTo(run, ['d'], { topic: name });
      }
      const remove = (name: string, offset: number, partitionIndex = 0) =>
        run.send(deleteRecords, 2, {
          timeoutMs: 5_000,
          topics: [{ name, partitions: [{ partitionIndex, offset }] }],
        });
      await remove(topic, 1);
      await fetchFrom(run, topic, { offset: 0 });
      await fetchFrom(run, topic, { offset: 1 });
      await remove(topic, 0);
      await remove(topic, 9);
      await remove(topic, -1);
      await remove(topic, 0, 5);
      await fetchFrom(run, topic, { offset: 4 });
      await remove(both, 2);
      await remove(compacted, 2);
      await remove('no-such-topic', 0);
    }));
});

describe('topics', () => {
  test('are made, grown, described and deleted', () =>
    expectFidelity(async (run) => {
      const [name, other] = [run.name('topic'), run.name('other')];
      const create = (
        topic: string,
        { partitions = 2, factor = 1, config = {}, only = false } = {},
      ) =>
        run.send(createTopics, 7, {
          topics: [
            {
              name: topic,
              numPartitions: partitions,
              replicationFactor: factor,
              assignments: [],
              configs: Object.entries(config as Record<string, string>).map(([key, value]) => ({
                name: key,
                value,
              })),
            },
          ],
          validateOnly: only,
        });
      await create(name);
      await create(name);
      await create(other, { partitions: 0 });
      await create(other, { factor: 9 });
      await create(other, { config: { 'no.such.config': '1' } });
      await create(other, { config: { 'retention.ms': 'x' } });
      await create(other, { config: { 'cleanup.policy': 'compost' } });
      await create('not/a/name');
      await create(other, { only: true });
      await create(other, { partitions: -1, factor: -1, config: { 'retention.ms': '5' } });
      const grow = (topic: string, count: number) =>
        run.send(createPartitions, 3, {
          topics: [{ name: topic, count, assignments: null }],
          timeoutMs: 5_000,
          validateOnly: false,
        });
      await grow(name, 3);
      await grow(name, 3);
      await grow(name, 1);
      await grow('no-such-topic', 3);
      await settledMetadata(run, name, 3);
      await run.send(metadata, 12, {
        topics: [{ name: 'no-such-topic' }],
        allowAutoTopicCreation: false,
      });
      const unknown = '11111111111111111111111111111111';
      await run.send(metadata, 12, { topics: [{ name: null, topicId: unknown }] });
      const keys = ['cleanup.policy', 'retention.ms', 'max.message.bytes', 'segment.bytes'];
      for (const topic of [name, other, 'no-such-topic']) {
        const { results } = await run.ask(describeConfigs, 4, {
          resources: [{ resourceType: 2, resourceName: topic, configurationKeys: keys }],
        });
        const found = results.flatMap(({ errorCode, configs }) => [
          `error ${errorCode}`,
          // A launcher may set defaults of its own.
          ...configs
            .map(({ name: key, value, configSource }) => [key, value, configSource, ''].join(' '))
            .filter((line) => !line.startsWith('retention.ms -1'))
            .filter((line) => topic === other || !line.startsWith('retention.ms')),
        ]);
        run.note('configs', found.sort());
      }
      const remove = (topic: string) =>
        run.send(deleteTopics, 6, {
          topics: [{ name: topic, topicId: '0'.repeat(32) }],
          timeoutMs: 5_000,
        });
      await remove(other);
      await remove('no-such-topic');
    }));

  test('a topic that is made again has another id', () =>
    expectFidelity(async (run) => {
      const name = await makeTopic(run, 'topic');
      const oldId = await topicIdOf(run, name);
      await produceTo(run, ['a'], { topic: name });
      await run.send(deleteTopics, 5, { topicNames: [name], timeoutMs: 5_000 });
      await until('the end of the topic', async () => {
        const { topics } = await run.ask(metadata, 12, { topics: [{ name }] });
        return topics[0]?.errorCode === 3;
      });
      await fetchFrom(run, name);
      await fetchFrom(run, oldId, { version: 13 });
    }));
});

async function settledMetadata(run: FidelityRun, name: string, partitions: number): Promise<void> {
  await run.settle(
    metadata,
    12,
    { topics: [{ name }], allowAutoTopicCreation: false },
    ({ topics: [topic] }) => topic?.partitions.length !== partitions,
  );
}
