import { parseDuration, type Duration } from '../common/duration.ts';
import { streamTableJoin } from '../operators/stream-table-join.ts';
import type { TableView } from '../operators/table-view.ts';
import { eraseSerde } from '../topology/erase.ts';
import { topologyError } from '../topology/topology-error.ts';
import { GlobalKTable } from './global-ktable.ts';
import { KTable } from './ktable.ts';
import type { LogicalNode } from './logical-node.ts';
import { buildRecordBuffer, type RecordBufferPlan } from './materialized.ts';
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
    buffer: null,
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
  const name = graph.nodeName(prefix, options.name);
  const key = eraseSerde(options.key) ?? stream.key;
  const value = eraseSerde(options.value) ?? stream.value;
  const node = addJoin(stream, name, {
    view: table.logic.view(),
    keyOf: (streamKey) => streamKey,
    joiner,
    left,
    buffer:
      options.grace === undefined
        ? null
        : { name: `${name}-Buffer`, key, value, graceMs: graceOf(name, table, options.grace) },
  });
  return {
    graph,
    node,
    key,
    value: null,
    sources,
    repartitionRequired: false,
  };
}

/** Errors: `STREAMS_TOPOLOGY` where the table cannot show its rows as they were that long ago. */
function graceOf(node: string, { logic }: TableState, grace: Duration): number {
  const graceMs = parseDuration(grace, 'grace');
  const { historyRetentionMs } = logic;
  if (historyRetentionMs === null) {
    throw topologyError(
      'a join with grace looks up rows as they were, but its table keeps no versions: give the table ' +
        "{ store: '…', versioned: { historyRetention: … } }, or leave the grace out",
      { node },
    );
  }
  if (graceMs >= 0 && graceMs <= historyRetentionMs) return graceMs;
  throw topologyError(
    `the grace of ${graceMs} ms is not within the table's history retention of ${historyRetentionMs} ms: raise the ` +
      'historyRetention, or give a grace from 0 up to that',
    { node },
  );
}

interface JoinOperator {
  readonly view: TableView;
  readonly keyOf: KeyOf;
  readonly joiner: Joiner;
  readonly left: boolean;
  readonly buffer: RecordBufferPlan | null;
}

function addJoin(
  { graph, node }: StreamState,
  name: string,
  { view, keyOf, joiner, left, buffer }: JoinOperator,
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
          buffer: buffer === null ? null : buffer.name,
        }),
      stores: () => (buffer === null ? view.stores : [...view.stores, buildRecordBuffer(buffer)]),
      takesNullKeys: left,
    },
    node,
  );
}
