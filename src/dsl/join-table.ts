import { streamTableJoin } from '../operators/stream-table-join.ts';
import type { TableView } from '../operators/table-view.ts';
import { eraseSerde } from '../topology/erase.ts';
import { topologyError } from '../topology/topology-error.ts';
import { GlobalKTable } from './global-ktable.ts';
import { KTable } from './ktable.ts';
import type { LogicalNode } from './logical-node.ts';
import type { Joined, Named } from './options.ts';
import { repartitionForJoin } from './repartition-for-join.ts';
import type { StreamState, TableState } from './stream-state.ts';

type KeyOf = (key: unknown, value: unknown) => unknown;
type Joiner = (value: unknown, tableValue: unknown, key: unknown) => unknown;

interface TableJoin {
  readonly table: unknown;
  /** What follows the table: `joiner, options?`, and with a global table `keyOf` before them. */
  readonly rest: readonly unknown[];
  readonly left: boolean;
}

/** The stream that `join` and `leftJoin` of a stream with a table give. */
export function joinTable(stream: StreamState, { table, rest, left }: TableJoin): StreamState {
  if (table instanceof GlobalKTable) {
    // The overloads of `KStream.join` have it so that these three follow a global table, and the two below a table.
    const [keyOf, joiner, options] = rest as [KeyOf, Joiner, Named?];
    return joinGlobal(stream, { table, keyOf, joiner, left }, options ?? {});
  }
  if (table instanceof KTable) {
    const [joiner, options] = rest as [Joiner, Joined<unknown, unknown>?];
    return joinKeyed(stream, { table: KTable.stateOf(table), joiner, left }, options ?? {});
  }
  throw topologyError(
    'a stream joins another KStream, a KTable or a GlobalKTable; outerJoin() only a KStream',
    {
      node: stream.node.name,
    },
  );
}

interface GlobalJoin {
  readonly table: GlobalKTable<unknown, unknown>;
  readonly keyOf: KeyOf;
  readonly joiner: Joiner;
  readonly left: boolean;
}

function joinGlobal(
  stream: StreamState,
  { table, keyOf, joiner, left }: GlobalJoin,
  { name }: Named,
): StreamState {
  const view = GlobalKTable.viewOf(table);
  // Inner joins too are called LEFTJOIN, as in Kafka Streams.
  const node = addJoin(stream, stream.graph.nodeName('KSTREAM-LEFTJOIN-', name), {
    // Every processor reads global stores without being connected to them.
    view: { ...view, stores: [] },
    keyOf,
    joiner,
    left,
  });
  return { ...stream, node, value: null };
}

interface KeyedJoin {
  readonly table: TableState;
  readonly joiner: Joiner;
  readonly left: boolean;
}

function joinKeyed(
  unpartitioned: StreamState,
  { table, joiner, left }: KeyedJoin,
  options: Joined<unknown, unknown>,
): StreamState {
  const { graph } = unpartitioned;
  const stream = unpartitioned.repartitionRequired
    ? repartitionForJoin(
        unpartitioned,
        {
          key: eraseSerde(options.key) ?? unpartitioned.key,
          value: eraseSerde(options.value) ?? unpartitioned.value,
        },
        options.name ?? null,
      )
    : unpartitioned;
  const sources = [...new Set([...stream.sources, ...table.sources])];
  graph.copartition(sources);

  const prefix = left ? 'KSTREAM-LEFTJOIN-' : 'KSTREAM-JOIN-';
  const node = addJoin(stream, graph.nodeName(prefix, options.name), {
    view: table.logic.view(),
    keyOf: (key) => key,
    joiner,
    left,
  });
  return {
    graph,
    node,
    key: eraseSerde(options.key) ?? stream.key,
    value: null,
    sources,
    repartitionRequired: false,
  };
}

interface JoinOperator {
  readonly view: TableView;
  readonly keyOf: KeyOf;
  readonly joiner: Joiner;
  readonly left: boolean;
}

function addJoin(
  { graph, node }: StreamState,
  name: string,
  { view, keyOf, joiner, left }: JoinOperator,
): LogicalNode {
  return graph.add(
    {
      kind: 'operator',
      name,
      create: () =>
        streamTableJoin<unknown, unknown, unknown, unknown, unknown>({
          table: view,
          keyOf,
          joiner,
          left,
        }),
      stores: () => view.stores,
      takesNullKeys: left,
    },
    node,
  );
}
