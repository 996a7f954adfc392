import { TimeWindows } from '../../../src/common/time-windows.ts';
import { StreamsBuilder } from '../../../src/dsl/streams-builder.ts';
import { serdes } from '../../../src/serde/serdes.ts';
import {
  internalTopics,
  type InternalTopicOptions,
} from '../../../src/topology/internal-topics.ts';

const IN = { key: serdes.string, value: serdes.string };
const MAX = '9223372036854775807';

function topicsOf(
  describe: (builder: StreamsBuilder) => void,
  options: Partial<InternalTopicOptions> = {},
) {
  const builder = new StreamsBuilder();
  describe(builder);
  return internalTopics(builder.build().plan(), { applicationId: 'app', ...options });
}

function windowed(builder: StreamsBuilder, config: Record<string, string> = {}): void {
  builder
    .stream('in', IN)
    .groupByKey()
    .windowedBy(TimeWindows.of({ size: '1h', grace: '10m' }))
    .count({ store: 'hourly', logging: { config } })
    .toStream()
    .to('out');
}

describe('internal topics', () => {
  test("have Kafka Streams' names and configs", () => {
    const topics = topicsOf((builder) => {
      builder
        .stream('in', IN)
        .groupBy((_, v) => v, IN)
        .count({ store: 'counts' });
      builder.stream('other', IN).repartition({ name: 'spread', partitions: 7 }).to('out');
    });
    expect(topics).toEqual([
      {
        name: 'app-counts-repartition',
        kind: 'repartition',
        subtopology: 1,
        partitions: null,
        config: {
          'cleanup.policy': 'delete',
          'segment.bytes': '52428800',
          'retention.ms': '-1',
          'message.timestamp.type': 'CreateTime',
          'message.timestamp.after.max.ms': MAX,
        },
      },
      {
        name: 'app-counts-changelog',
        kind: 'changelog',
        subtopology: 1,
        partitions: null,
        config: {
          'cleanup.policy': 'compact',
          'message.timestamp.type': 'CreateTime',
          'message.timestamp.after.max.ms': MAX,
        },
      },
      expect.objectContaining({ name: 'app-spread-repartition', subtopology: 3, partitions: 7 }),
    ]);
  });

  test('a windowed changelog keeps windows a day longer than the store, and deletes', () => {
    expect(topicsOf(windowed)).toMatchObject([
      {
        name: 'app-hourly-changelog',
        config: {
          'cleanup.policy': 'compact,delete',
          'retention.ms': String(3_600_000 + 600_000 + 86_400_000),
        },
      },
    ]);
    expect(topicsOf(windowed, { additionalRetentionMs: 5 })).toMatchObject([
      { config: { 'retention.ms': '4200005' } },
    ]);
  });

  test("a config of the application wins over the default, a store's own over both", () => {
    const topicConfig = { 'segment.bytes': '1', 'retention.ms': '2', 'min.insync.replicas': '3' };
    const own = { 'retention.ms': '-1', 'segment.bytes': '4' };
    const [changelog] = topicsOf(
      (builder) => {
        windowed(builder, own);
      },
      { topicConfig },
    );
    expect(changelog?.config).toMatchObject({ ...own, 'min.insync.replicas': '3' });
    const [plain] = topicsOf(windowed, { topicConfig });
    expect(plain?.config).toMatchObject({ 'segment.bytes': '1', 'retention.ms': '90600000' });
    const [repartition] = topicsOf(
      (builder) => {
        builder.stream('in', IN).repartition({ name: 'r' }).to('out');
      },
      { topicConfig },
    );
    expect(repartition?.config).toMatchObject(topicConfig);
  });

  test('a store that does not log has no changelog', () => {
    const topics = topicsOf((builder) => {
      builder.stream('in', IN).groupByKey().count({ logging: false });
      builder.globalTable('g', IN);
    });
    expect(topics).toEqual([]);
  });
});
