import type { CreateInternalProcessor } from '../processor/internal-processor-context.ts';
import type { Serde } from '../serde/serde.ts';
import type { StoreBuilder } from '../state/store-builder.ts';
import type { LogicalGraph } from './logical-graph.ts';
import type { LogicalNode, RepartitionNode } from './logical-node.ts';
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
  /** How long after the end of a window it still changes; null where there are no windows. */
  readonly windowGraceMs: number | null;
}

/** A node with the sources that it comes from. */
export interface GroupSource {
  readonly node: LogicalNode;
  readonly sources: readonly string[];
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
    const { graph } = this.#state;
    const { node: above, sources } = this.source(spec.store);
    const node = graph.add(
      {
        kind: 'operator',
        name: spec.name,
        create: spec.create,
        stores: () => [spec.buildStore()],
        takesNullKeys: false,
        windowGraceMs: spec.windowGraceMs,
      },
      above,
    );
    return {
      graph,
      node,
      key: spec.key,
      value: spec.value,
      sources,
      logic: spec.logic,
      queryableStore: spec.queryable ? spec.store : null,
    };
  }

  /** From where an aggregation with this store reads the records: through a repartition if their key may have changed. */
  source(store: string): GroupSource {
    const { node, sources, repartitionRequired } = this.#state;
    if (!repartitionRequired) return { node, sources };
    const through = this.#repartition(store);
    return { node: through, sources: [through.name] };
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
