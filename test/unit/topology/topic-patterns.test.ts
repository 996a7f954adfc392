import type { TopicNameExtractor } from '../../../src/processor/topic-name-extractor.ts';
import { StreamsBuilder } from '../../../src/dsl/streams-builder.ts';
import { SubscribedPlan } from '../../../src/runtime/subscribed-plan.ts';
import {
  resolvePartitionCounts,
  taskCount,
} from '../../../src/runtime/assignment/partition-counts.ts';
import { serdes } from '../../../src/serde/serdes.ts';
import { TopologyTestDriver } from '../../../src/testing/topology-test-driver.ts';
import { fingerprint } from '../../../src/topology/fingerprint.ts';
import { resolvePatterns } from '../../../src/topology/resolve-patterns.ts';
import { TopicPattern } from '../../../src/topology/topic-pattern.ts';
import { failure } from '../../support/failure.ts';
import { STRINGS } from '../../support/run-topology.ts';

const build = (describe: (builder: StreamsBuilder) => void) => {
  const builder = new StreamsBuilder();
  describe(builder);
  return builder.build();
};

const sourceTopics = (topology: ReturnType<typeof build>, topics: string[]) =>
  resolvePatterns(topology.plan(), topics).subtopologies.map((part) => part.sourceTopics);

describe('a pattern of topics', () => {
  test('has to match the whole name, each time', () => {
    const pattern = new TopicPattern(/orders-.+/g);
    expect(
      ['orders-eu', 'orders-eu', 'old-orders-eu', 'orders-'].map((t) => pattern.matches(t)),
    ).toEqual([true, true, false, false]);
    expect(new TopicPattern(/a|b/).matches('ab')).toBe(false);
  });

  test('is in the plan without topics, and gets those that the cluster has', () => {
    const topology = build((b) => {
      b.stream(/orders-.+/, STRINGS).to('out');
      b.stream('fixed', STRINGS).to('other');
    });
    expect(topology.describe()).toContain('Source: KSTREAM-SOURCE-0000000000 (topics: orders-.+)');
    expect(sourceTopics(topology, [])).toEqual([[], ['fixed']]);
    expect(sourceTopics(topology, ['orders-us', 'x', 'orders-eu'])).toEqual([
      ['orders-eu', 'orders-us'],
      ['fixed'],
    ]);
  });

  test('given twice is one source', () => {
    const topology = build((b) => {
      b.stream(/a.*/, STRINGS).to('one');
      b.stream(/a.*/, STRINGS).to('two');
    });
    expect(topology.describe().match(/Source:/g)).toHaveLength(1);
  });

  test('is part of what makes two topologies the same, its topics are not', () => {
    const of = (pattern: RegExp) =>
      build((b) => {
        b.stream(pattern, STRINGS).to('out');
      }).plan();
    expect(fingerprint(of(/a.*/))).toBe(fingerprint(of(/a.*/)));
    expect(fingerprint(of(/a.*/))).not.toBe(fingerprint(of(/b.*/)));
  });

  test.each<readonly [mistake: string, describe: (b: StreamsBuilder) => void]>([
    [
      'after',
      (b) => {
        b.stream('ab', STRINGS);
        b.stream(/a.*/, STRINGS);
      },
    ],
    [
      'before',
      (b) => {
        b.stream(/a.*/, STRINGS);
        b.table('ab', STRINGS);
      },
    ],
  ])('cannot match a topic that a source %s it reads', (_mistake, describe) => {
    expect(failure(() => build(describe))).toMatch(
      /^STREAMS_TOPOLOGY: 'KSTREAM-SOURCE-0000000000' reads this topic already.*topic ab/,
    );
  });

  test('that matches a topic of another pattern is an error once there is such a topic', () => {
    const topology = build((b) => {
      b.stream(/a.*/, STRINGS).to('one');
      b.stream(/.*b/, STRINGS).to('two');
    });
    expect(sourceTopics(topology, ['ax', 'xb'])).toEqual([['ax'], ['xb']]);
    expect(failure(() => sourceTopics(topology, ['ab']))).toMatch(
      /patterns of 'KSTREAM-SOURCE-0000000000' and 'KSTREAM-SOURCE-0000000002' match this topic.*topic ab/,
    );
  });

  test('takes part in co-partitioning, and leaves its repartition topic open while it matches nothing', () => {
    const topology = build((b) => {
      const table = b.table('rows', STRINGS);
      b.stream(/a.*/, STRINGS)
        .join(table, (x, y) => x + y)
        .to('out', STRINGS);
      b.stream(/b.*/, STRINGS)
        .groupBy((_, v) => v, STRINGS)
        .count({ store: 'counts' });
    });
    const counts = (topics: Record<string, number>) =>
      resolvePartitionCounts(
        resolvePatterns(topology.plan(), Object.keys(topics)),
        new Map(Object.entries(topics)),
      );
    const idle = counts({ rows: 2, a1: 2 });
    expect(idle.get('counts-repartition')).toBe(0);
    expect(taskCount(topology.plan().subtopologies[1] as never, idle)).toBe(0);
    expect(counts({ rows: 2, a1: 2, b1: 3, b2: 4 }).get('counts-repartition')).toBe(4);
    expect(failure(() => counts({ rows: 2, a1: 2, a2: 3 }))).toMatch(/must have the same number/);
  });
});

test('a subscription follows the topics of the cluster, but for those of the application', async () => {
  const topology = build((b) => {
    b.stream(/.*/, STRINGS).to('out');
  });
  let topics = ['b', 'app-counts-changelog'];
  let looks = 0;
  const subscribed = new SubscribedPlan({
    plan: topology.plan(),
    admin: {
      listTopics: () => {
        looks++;
        return Promise.resolve(topics);
      },
    },
    isOwn: (topic) => topic.startsWith('app-'),
  });
  const read = () => subscribed.plan.subtopologies[0]?.sourceTopics;
  expect(read()).toEqual([]);
  await subscribed.refresh();
  expect(read()).toEqual(['b']);
  expect(await subscribed.change()).toBeNull();
  topics = ['a', 'b'];
  expect(await subscribed.change()).toBe('a pattern matches the new topic a');
  await subscribed.refresh();
  expect(read()).toEqual(['a', 'b']);
  topics = ['a'];
  expect(await subscribed.change()).toMatch(/topic b, which a pattern matched, is gone/);

  looks = 0;
  const fixed = new SubscribedPlan({
    plan: build((b) => {
      b.stream('in', STRINGS).to('out');
    }).plan(),
    admin: {
      listTopics: () => {
        looks++;
        return Promise.resolve([]);
      },
    },
    isOwn: () => false,
  });
  await fixed.refresh();
  expect(await fixed.change()).toBeNull();
  expect(looks).toBe(0);
});

describe('in the driver', () => {
  test('every topic that the pattern matches can be written, and goes on with the state there is', async () => {
    const topology = build((b) => {
      b.stream(/in-.+/, STRINGS).groupByKey().count({ store: 'counts' }).toStream().to('out');
    });
    await using driver = await TopologyTestDriver.create(topology);
    expect(driver.keyValueStore('counts')).toBeDefined();
    const [one, two] = ['in-1', 'in-2'].map((topic) => driver.createInputTopic(topic, STRINGS));
    await one?.pipe({ key: 'k', value: '' });
    await two?.pipe({ key: 'k', value: '' });
    const late = driver.createInputTopic('in-3', STRINGS);
    await late.pipe({ key: 'k', value: '' });
    const output = driver.createOutputTopic('out', { key: serdes.string, value: serdes.long });
    expect(output.readKeyValues().map(([, count]) => count)).toEqual([1, 2, 3]);
    expect(() => driver.createInputTopic('other', STRINGS)).toThrow(/does not read this topic/);
  });

  test('a topic that a dynamic sink has made is read by the pattern that matches it', async () => {
    const route: TopicNameExtractor<string, string> = (key, _value, { metadata, headers }) =>
      `by-${key}-${metadata?.topic ?? ''}-${headers.length}`;
    const topology = build((b) => {
      b.stream('in', STRINGS).to(route);
      b.stream(/by-.+/, STRINGS)
        .mapValues((value) => value.toUpperCase())
        .to('out', STRINGS);
    });
    expect(topology.describe()).toContain('(extractor class: route)');
    await using driver = await TopologyTestDriver.create(topology);
    const input = driver.createInputTopic('in', STRINGS);
    await input.pipe({ key: 'a', value: 'x', headers: [['h', null]] });
    await input.pipe({ key: 'b', value: 'y' });
    expect([...driver.producedTopicNames].sort()).toEqual(['by-a-in-1', 'by-b-in-0', 'out']);
    const output = driver.createOutputTopic('out', STRINGS);
    expect(output.readKeyValues()).toEqual([
      ['a', 'X'],
      ['b', 'Y'],
    ]);
  });
});
