import { resolvePartitionCounts } from '../../../../src/runtime/assignment/partition-counts.ts';
import type { Subtopology, TopologyPlan } from '../../../../src/topology/topology-plan.ts';
import { errorOf } from '../../../support/error-of.ts';

interface Part {
  readonly from: string[];
  readonly to?: string[];
  readonly copartitioned?: string[][];
}

/** A plan with nothing in it but topics; repartition topics as `name` or `name=4`. */
function plan(parts: Part[], ...repartitions: string[]): TopologyPlan {
  const subtopologies = parts.map(({ from, to = [], copartitioned = [] }, id): Subtopology => ({
    id,
    nodes: [],
    stores: [],
    sourceTopics: from,
    sinkTopics: to,
    copartitionGroups: copartitioned,
  }));
  const repartitionTopics = repartitions.map((text) => {
    const [name = '', count] = text.split('=');
    return { name, partitions: count === undefined ? null : Number(count) };
  });
  return { subtopologies, repartitionTopics, globalStores: [] };
}

const counts = (of: TopologyPlan, topics: Record<string, number>): object =>
  Object.fromEntries(resolvePartitionCounts(of, new Map(Object.entries(topics))));

describe('partition counts', () => {
  test('a repartition topic has as many partitions as the largest topic that feeds it', () => {
    const topology = plan([{ from: ['a', 'b'], to: ['r'] }, { from: ['r'] }], 'r');
    expect(counts(topology, { a: 2, b: 6 })).toMatchObject({ r: 6 });
  });

  test('a chain of repartition topics is resolved from its beginning', () => {
    const topology = plan(
      [
        { from: ['s'], to: ['t'] },
        { from: ['r'], to: ['s'] },
        { from: ['a'], to: ['r'] },
      ],
      's',
      'r',
      't',
    );
    expect(counts(topology, { a: 3 })).toMatchObject({ r: 3, s: 3, t: 3 });
  });

  test('a given number of partitions is kept', () => {
    const topology = plan([{ from: ['a'], to: ['r'] }, { from: ['r'] }], 'r=12');
    expect(counts(topology, { a: 3 })).toMatchObject({ r: 12 });
  });

  test('a repartition topic follows the user topic it is joined with', () => {
    const topology = plan(
      [
        { from: ['a'], to: ['r'] },
        { from: ['r', 'b'], copartitioned: [['r', 'b']] },
      ],
      'r',
    );
    expect(counts(topology, { a: 8, b: 4 })).toMatchObject({ r: 4 });
  });

  test('repartition topics that are joined have the largest count among them', () => {
    const topology = plan(
      [
        { from: ['a'], to: ['r'] },
        { from: ['b'], to: ['s'] },
        { from: ['r', 's'], copartitioned: [['r', 's']] },
      ],
      'r',
      's',
    );
    expect(counts(topology, { a: 2, b: 5 })).toMatchObject({ r: 5, s: 5 });
  });

  test('user topics that are joined must agree, and the error names both counts', () => {
    const topology = plan([{ from: ['a', 'b'], copartitioned: [['a', 'b']] }]);
    expect(() => counts(topology, { a: 3, b: 4 })).toThrow(/a has 3, b has 4/);
  });

  test('a source topic that does not exist is named', () => {
    const error = errorOf(() => counts(plan([{ from: ['a', 'b'] }]), { a: 3 }));
    expect(error).toMatchObject({ code: 'STREAMS_TOPIC_MISSING', site: { topic: 'b' } });
  });
});
