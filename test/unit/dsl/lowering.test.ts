import { defaultPartition } from '../../../src/common/murmur2.ts';
import { TimeWindows } from '../../../src/common/time-windows.ts';
import { Windowed } from '../../../src/common/windowed.ts';
import { StreamsBuilder } from '../../../src/dsl/streams-builder.ts';
import { failOnInvalidTimestamp } from '../../../src/processor/timestamp-extractors.ts';
import { serdes } from '../../../src/serde/serdes.ts';
import { Stores } from '../../../src/state/stores.ts';
import type {
  SinkNode,
  SourceNode,
  TopologyNode,
  TopologyPlan,
} from '../../../src/topology/topology-plan.ts';
import { STRINGS } from '../../support/run-topology.ts';

const nodesOf = (plan: TopologyPlan): TopologyNode[] =>
  plan.subtopologies.flatMap(({ nodes }) => nodes);
const sourceOf = (plan: TopologyPlan, topic: string) =>
  nodesOf(plan).find(
    (node): node is SourceNode => node.kind === 'source' && node.topics.includes(topic),
  );
const sinkOf = (plan: TopologyPlan, topic: string) =>
  nodesOf(plan).find((node): node is SinkNode => node.kind === 'sink' && node.topic === topic);

function planOf(describe: (builder: StreamsBuilder) => void): TopologyPlan {
  const builder = new StreamsBuilder();
  describe(builder);
  return builder.build().plan();
}

describe('the lowered plan', () => {
  test('windowed keys are partitioned by the key inside, so that all windows of a key are together', () => {
    const plan = planOf((builder) => {
      const windowed = builder
        .stream('in', STRINGS)
        .groupByKey()
        .windowedBy(TimeWindows.of({ size: 10 }))
        .count()
        .toStream();
      windowed.to('out');
      windowed.to('by-hand', { partitioner: () => 7 });
    });
    const where = sinkOf(plan, 'out')?.partitioner;
    const partitions = [0, 10, 20].map((ms) =>
      where?.('out', new Windowed('ann', ms, ms + 10), 1, 50, []),
    );
    const ofKey = defaultPartition(Buffer.from('ann'), 50);
    expect(partitions).toEqual([ofKey, ofKey, ofKey]);
    expect(sinkOf(plan, 'by-hand')?.partitioner?.('', null, null, 50, [])).toBe(7);
  });

  test('a repartition topic is read with the timestamps it was written with, whatever the default', () => {
    const plan = planOf((builder) => {
      builder.stream('in', STRINGS).repartition({ name: 'r', partitions: 3 }).to('out');
    });
    expect(plan.repartitionTopics).toEqual([{ name: 'r-repartition', partitions: 3 }]);
    expect(sourceOf(plan, 'r-repartition')?.timestampExtractor).toBe(failOnInvalidTimestamp);
    expect(sourceOf(plan, 'in')?.timestampExtractor).toBeNull();
  });

  test('a table has a store only if it is named or something needs its rows', () => {
    const storesOf = (describe: (builder: StreamsBuilder) => void) =>
      planOf(describe).subtopologies.flatMap(({ stores }) => stores.map(({ name }) => name));
    const unneeded = storesOf((b) => {
      b.table('t', STRINGS)
        .filter(() => true)
        .toStream()
        .to('out');
    });
    const named = storesOf((b) => {
      b.table('t', { ...STRINGS, store: 'rows' });
    });
    const joined = storesOf((b) => {
      const table = b.table('t', STRINGS).mapValues((v) => v);
      b.stream('in', STRINGS)
        .join(table, (v) => v)
        .to('out', STRINGS);
    });
    const grouped = storesOf((b) => {
      b.table('t', STRINGS)
        .groupBy((k, v) => [v, k], STRINGS)
        .count({ store: 'n' });
    });
    expect({ unneeded, named, joined, grouped }).toEqual({
      unneeded: [],
      named: ['rows'],
      joined: ['t-STATE-STORE-0000000000'],
      grouped: ['t-STATE-STORE-0000000000', 'n'],
    });
  });

  test('stores are built as their operators say', () => {
    const plan = planOf((builder) => {
      const grouped = builder.stream('in', STRINGS).groupByKey();
      grouped.count({ store: 'plain' });
      grouped.count({ store: 'bare', caching: false, logging: false, persistent: false });
      grouped.windowedBy(TimeWindows.of({ size: 10, grace: 5 })).count({
        store: 'windows',
        retention: '1h',
        logging: { config: { 'retention.ms': '-1' } },
      });
      builder.globalTable('g', STRINGS);
    });
    expect(plan.subtopologies[0]?.stores).toMatchObject([
      {
        name: 'plain',
        kind: 'key-value',
        cachingEnabled: true,
        persistent: true,
        changelog: { config: {} },
      },
      { name: 'bare', cachingEnabled: false, persistent: false, changelog: null },
      {
        name: 'windows',
        kind: 'window',
        retentionMs: 3_600_000,
        changelog: { config: { 'retention.ms': '-1' } },
      },
    ]);
    expect(plan.globalStores).toMatchObject([
      { store: { cachingEnabled: false, changelog: null } },
    ]);
  });

  test('processors get the stores they name and those they bring', () => {
    const own = Stores.keyValue({ name: 'own', ...STRINGS });
    const shared = Stores.keyValue({ name: 'shared', ...STRINGS });
    const plan = planOf((builder) => {
      builder
        .addStateStore(shared)
        .stream('in', STRINGS)
        .process({
          name: 'p',
          stores: ['shared', own],
          create: () => ({ process: () => undefined }),
        });
    });
    expect(nodesOf(plan)).toMatchObject([{}, { name: 'p', stores: ['shared', 'own'] }]);
    expect(plan.subtopologies[0]?.stores).toEqual([shared, own]);
  });

  test('serdes are inherited as long as the type stays, and given ones win', () => {
    const key = serdes.json<string>();
    const plan = planOf((builder) => {
      const input = builder.stream('in', STRINGS);
      input.filter(() => true).to('inherited');
      input.to('given', { key });
      input.mapValues((v) => v.length).to('half', { value: serdes.int });
      input
        .selectKey((_, v) => v)
        .groupByKey({ key })
        .count()
        .toStream()
        .to('counts');
    });
    expect(sinkOf(plan, 'inherited')).toMatchObject(STRINGS);
    expect(sinkOf(plan, 'given')).toMatchObject({ key, value: STRINGS.value });
    expect(sinkOf(plan, 'half')).toMatchObject({ key: STRINGS.key, value: serdes.int });
    expect(sinkOf(plan, 'counts')).toMatchObject({ key, value: serdes.long });
  });
});
