import type { CreateInternalProcessor } from '../processor/internal-processor-context.ts';
import type { Serde } from '../serde/serde.ts';
import type { StoreBuilder } from '../state/store-builder.ts';
import type { RepartitionNode } from './logical-node.ts';
import { repartitionNode } from './repartition.ts';
import type { StreamState, TableState } from './stream-state.ts';
import type { TableLogic } from './table-logic.ts';

/** A grouped stream. One object is shared by the aggregations of a group, which may share a repartition. */
export interface GroupedState extends StreamState {
  /** The name that the group was given; its repartition topic has it too. */
  readonly repartitionName: string | null;
}

export interface GroupedTableSpec {
  readonly name: string;
  readonly store: string;
  readonly queryable: boolean;
  readonly buildStore: () => StoreBuilder;
  readonly create: () => CreateInternalProcessor;
  readonly key: Serde<unknown> | null;
  readonly value: Serde<unknown> | null;
  readonly logic: TableLogic;
}

const sharedRepartitions = new WeakMap<object, RepartitionNode>();

/**
 * Adds an aggregation to the graph, behind a repartition where the key may have changed.
 *
 * Source: `GroupedStreamAggregateBuilder.build`.
 */
export function groupedTable(group: GroupedState, spec: GroupedTableSpec): TableState {
  const { graph } = group;
  const parent = group.repartitionRequired ? repartitionFor(group, spec.store) : null;
  const node = graph.add(
    {
      kind: 'operator',
      name: spec.name,
      create: spec.create,
      stores: () => [spec.buildStore()],
      takesNullKeys: false,
    },
    parent ?? group.node,
  );
  return {
    graph,
    node,
    key: spec.key,
    value: spec.value,
    sources: parent === null ? group.sources : [parent.name],
    logic: spec.logic,
    queryableStore: spec.queryable ? spec.store : null,
  };
}

function repartitionFor(group: GroupedState, store: string): RepartitionNode {
  const { graph, repartitionName, key, value } = group;
  const fresh = repartitionNode(graph, { prefix: repartitionName ?? store, key, value });
  const shared = repartitionName === null ? undefined : sharedRepartitions.get(group);
  const through = shared ?? fresh;
  sharedRepartitions.set(group, through);
  return graph.add(through, group.node);
}
