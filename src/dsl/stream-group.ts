import type { CreateInternalProcessor } from '../processor/internal-processor-context.ts';
import type { Serde } from '../serde/serde.ts';
import type { StoreBuilder } from '../state/store-builder.ts';
import type { LogicalGraph } from './logical-graph.ts';
import type { RepartitionNode } from './logical-node.ts';
import { repartitionNode } from './repartition.ts';
import type { StreamState, TableState } from './stream-state.ts';
import type { TableLogic } from './table-logic.ts';

export interface AggregationSpec {
  readonly name: string;
  readonly store: string;
  readonly queryable: boolean;
  readonly buildStore: () => StoreBuilder;
  readonly create: () => CreateInternalProcessor;
  readonly key: Serde<unknown> | null;
  readonly value: Serde<unknown> | null;
  readonly logic: TableLogic;
}

/**
 * A grouped stream, shared by its aggregations, windowed or not. Where the key may have changed each of them reads
 * through a repartition of its own, named after its store; a group with a name has one repartition of that name.
 *
 * Source: `GroupedStreamAggregateBuilder`.
 */
export class StreamGroup {
  readonly #state: StreamState;
  readonly #name: string | null;
  #named: RepartitionNode | null = null;

  constructor(state: StreamState, name: string | null) {
    this.#state = state;
    this.#name = name;
  }

  get graph(): LogicalGraph {
    return this.#state.graph;
  }

  get key(): Serde<unknown> | null {
    return this.#state.key;
  }

  get value(): Serde<unknown> | null {
    return this.#state.value;
  }

  /** Adds an aggregation to the graph. Its names are given out before: the repartition's come after them. */
  aggregate(spec: AggregationSpec): TableState {
    const { graph, node: above, sources, repartitionRequired } = this.#state;
    const through = repartitionRequired ? this.#repartition(spec.store) : null;
    const node = graph.add(
      {
        kind: 'operator',
        name: spec.name,
        create: spec.create,
        stores: () => [spec.buildStore()],
        takesNullKeys: false,
      },
      through ?? above,
    );
    return {
      graph,
      node,
      key: spec.key,
      value: spec.value,
      sources: through === null ? sources : [through.name],
      logic: spec.logic,
      queryableStore: spec.queryable ? spec.store : null,
    };
  }

  #repartition(store: string): RepartitionNode {
    const { graph, node, key, value } = this.#state;
    // Names are used up even where the group's own repartition serves.
    const fresh = repartitionNode(graph, { prefix: this.#name ?? store, key, value });
    if (this.#name === null) return graph.add(fresh, node);
    this.#named ??= fresh;
    return graph.add(this.#named, node);
  }
}
