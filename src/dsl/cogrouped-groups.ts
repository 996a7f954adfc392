import type { Aggregator } from '../operators/stream-aggregate.ts';
import { passThrough } from '../operators/pass-through.ts';
import type { CreateInternalProcessor } from '../processor/internal-processor-context.ts';
import type { Serde } from '../serde/serde.ts';
import { topologyError } from '../topology/topology-error.ts';
import type { LogicalGraph } from './logical-graph.ts';
import type { OperatorNode } from './logical-node.ts';
import type { AggregationSpec, GroupSource, StreamGroup } from './stream-group.ts';
import type { TableState } from './stream-state.ts';

type AnyAggregator = Aggregator<unknown, unknown, unknown>;

interface CogroupedGroup {
  readonly group: StreamGroup;
  readonly aggregator: AnyAggregator;
}

export interface CogroupSpec extends Omit<AggregationSpec, 'name' | 'create'> {
  /** As it was given. */
  readonly name: string | undefined;
  /** Of one group; the first one's operator forwards what any of them changes in the store. */
  readonly create: (aggregator: AnyAggregator, forwards: boolean) => CreateInternalProcessor;
}

/**
 * Grouped streams with the aggregator of each, to be folded into one store. Immutable. Untyped, as `StreamState`.
 *
 * Source: `CogroupedStreamAggregateBuilder`.
 */
export class CogroupedGroups {
  readonly #first: CogroupedGroup;
  readonly #others: readonly CogroupedGroup[];

  private constructor(first: CogroupedGroup, others: readonly CogroupedGroup[]) {
    this.#first = first;
    this.#others = others;
  }

  static begin<K, V, A>(group: StreamGroup, aggregator: Aggregator<K, V, A>): CogroupedGroups {
    return new CogroupedGroups({ group, aggregator: erased(aggregator) }, []);
  }

  /** Errors: `STREAMS_TOPOLOGY` for a group that is there already. */
  with<K, V, A>(group: StreamGroup, aggregator: Aggregator<K, V, A>): CogroupedGroups {
    if (this.#all.some((each) => each.group === group)) {
      throw topologyError('a grouped stream can be cogrouped once: group the stream again');
    }
    const other = { group, aggregator: erased(aggregator) };
    return new CogroupedGroups(this.#first, [...this.#others, other]);
  }

  get graph(): LogicalGraph {
    return this.#first.group.graph;
  }

  /** Of the first group for which it is known. */
  get key(): Serde<unknown> | null {
    return this.#all.find(({ group }) => group.key !== null)?.group.key ?? null;
  }

  /**
   * An operator for each group, all with one store, and one that gives what any of them gives.
   *
   * Errors: `STREAMS_TOPOLOGY` where two groups would share a repartition topic.
   */
  aggregate(spec: CogroupSpec): TableState {
    const { graph } = this;
    const { name, store, queryable, buildStore, create, windowGraceMs, key, value, logic } = spec;
    const above = this.#all.map(({ group }) => group.source(store));
    checkTopics(above, store);
    const nodes = this.#all.map(({ aggregator }, index) =>
      graph.add<OperatorNode>(
        {
          kind: 'operator',
          name: graph.suffixedName('COGROUPKSTREAM-AGGREGATE-', `-cogroup-agg-${index}`, name),
          create: () => create(aggregator, index === 0),
          stores: () => [index === 0 ? buildStore() : store],
          takesNullKeys: false,
          windowGraceMs,
        },
        ...above.slice(index, index + 1).map(({ node }) => node),
      ),
    );
    const sources = [...new Set(above.flatMap((each) => each.sources))];
    if (sources.length > 1) graph.copartition(sources);
    const node = graph.add<OperatorNode>(
      {
        kind: 'operator',
        name: graph.suffixedName('COGROUPKSTREAM-MERGE-', '-cogroup-merge', name),
        create: passThrough,
        stores: () => [],
        takesNullKeys: false,
      },
      ...nodes,
    );
    return { graph, node, key, value, sources, logic, queryableStore: queryable ? store : null };
  }

  get #all(): readonly CogroupedGroup[] {
    return [this.#first, ...this.#others];
  }
}

/** The classes that users see have checked that it fits its group. */
function erased<K, V, A>(aggregator: Aggregator<K, V, A>): AnyAggregator {
  return aggregator as AnyAggregator;
}

function checkTopics(sources: readonly GroupSource[], store: string): void {
  const topics = sources
    .map(({ node }) => (node.kind === 'repartition' ? node : null))
    .filter((node) => node !== null);
  const twice = topics.find((one) =>
    topics.some((other) => other !== one && other.topic === one.topic),
  );
  if (twice === undefined) return;
  throw topologyError(
    'two of the cogrouped streams would be repartitioned through this topic: give their groups names, as ' +
      "groupBy(…, { name: 'orders' })",
    { store, topic: twice.topic },
  );
}
