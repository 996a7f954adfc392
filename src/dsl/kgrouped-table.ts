import type { Aggregator, Initializer } from '../operators/stream-aggregate.ts';
import type { Reducer } from '../operators/stream-reduce.ts';
import { tableAggregate } from '../operators/table-aggregate.ts';
import { changeSerde } from '../serde/change-serde.ts';
import type { Serde } from '../serde/serde.ts';
import { serdes } from '../serde/serdes.ts';
import { eraseSerde } from '../topology/erase.ts';
import { KTable } from './ktable.ts';
import type { LogicalGraph } from './logical-graph.ts';
import type { LogicalNode, RepartitionNode } from './logical-node.ts';
import { buildTableStore, storeNameOf } from './materialized.ts';
import type { Grouped, Materialized, Named, SerdePart, StoreOptions } from './options.ts';
import type { TableState } from './stream-state.ts';
import { StoredTable, storeView } from './table-logic.ts';

export interface GroupedTableState {
  readonly graph: LogicalGraph;
  readonly node: LogicalNode;
  readonly key: Serde<unknown> | null;
  readonly value: Serde<unknown> | null;
  /** The name that the group was given; its repartition topic has it too. */
  readonly repartitionName: string | null;
}

interface GroupFunctions<K, V, A> {
  readonly first: (key: K, value: V) => A | null;
  readonly adder: Aggregator<K, V, A>;
  readonly subtractor: Aggregator<K, V, A>;
}

/**
 * A table whose rows are grouped by another key, to be aggregated into a table that follows every change of a row: the
 * old value is taken out of its group, the new one added to its group.
 *
 * Source: `org.apache.kafka.streams.kstream.KGroupedTable`.
 */
export class KGroupedTable<K, V> {
  readonly #state: GroupedTableState;
  #repartition: RepartitionNode | null = null;

  /** Only the DSL itself makes these: use `KTable.groupBy`. */
  constructor(state: GroupedTableState) {
    this.#state = state;
  }

  /** How many rows each group has. */
  count(options: Named & StoreOptions = {}): KTable<K, number, SerdePart, number> {
    return new KTable(
      this.#aggregate<number>(
        'KTABLE-AGGREGATE-',
        {
          first: () => 1,
          adder: (_key, _value, count) => count + 1,
          subtractor: (_key, _value, count) => count - 1,
        },
        { ...options, value: eraseSerde(serdes.long) },
      ),
    );
  }

  /** Folds the rows of each group into one value of their type; a group's first row is taken as it is. */
  reduce<R extends V | null>(
    adder: (aggregate: V, value: Readonly<V>) => R,
    subtractor: (aggregate: V, value: Readonly<V>) => R,
    options: Grouped<K, NonNullable<V>> & StoreOptions = {},
  ): KTable<K, NonNullable<V>, SerdePart, NonNullable<V> | Extract<R, null>> {
    const add: Reducer<V> = adder;
    const subtract: Reducer<V> = subtractor;
    return new KTable(
      this.#aggregate<V>(
        'KTABLE-REDUCE-',
        {
          first: (_key, value) => value,
          adder: (_key, value, aggregate) => add(aggregate, value),
          subtractor: (_key, value, aggregate) => subtract(aggregate, value),
        },
        { ...options, value: eraseSerde(options.value) ?? this.#state.value },
      ),
    );
  }

  /** Folds the rows of each group into an aggregate of any type, which the functions may change and return. */
  aggregate<A, R extends A | null>(
    initializer: () => A,
    adder: (key: K, value: Readonly<V>, aggregate: A) => R,
    subtractor: (key: K, value: Readonly<V>, aggregate: A) => R,
    options: Materialized<K, NonNullable<A>, 'key'>,
  ): KTable<K, A, SerdePart, A | Extract<R, null>> {
    const initialize: Initializer<A> = initializer;
    return new KTable(
      this.#aggregate<A>(
        'KTABLE-AGGREGATE-',
        { first: (key, value) => adder(key, value, initialize()), adder, subtractor },
        { ...options, value: eraseSerde(options.value) },
      ),
    );
  }

  #aggregate<A>(
    prefix: 'KTABLE-AGGREGATE-' | 'KTABLE-REDUCE-',
    functions: GroupFunctions<K, V, A>,
    options: Named &
      StoreOptions & { readonly key?: Serde<K>; readonly value: Serde<unknown> | null },
  ): TableState {
    const { graph } = this.#state;
    const store = storeNameOf(graph, 'KTABLE-AGGREGATE-', options);
    const sinkName = graph.suffixedName('KSTREAM-SINK-', '-sink', options.name);
    const sourceName = graph.suffixedName('KSTREAM-SOURCE-', '-source', options.name);
    const name = graph.nodeName(prefix, options.name);
    const through = this.#repartitionNode(store, { sinkName, sourceName });
    graph.add(through, this.#state.node);

    const key = eraseSerde(options.key) ?? this.#state.key;
    const { value } = options;
    const logic = new StoredTable(storeView(store), options);
    const node = graph.add(
      {
        kind: 'operator',
        name,
        create: () => {
          const { sendsOldValues: sendOldValues } = logic;
          return tableAggregate<K, V, A>({ ...functions, store, sendOldValues });
        },
        stores: () => [buildTableStore({ name: store, key, value, options })],
        takesNullKeys: false,
      },
      through,
    );
    const queryableStore = options.store ?? null;
    return { graph, node, key, value, sources: [through.name], logic, queryableStore };
  }

  /** Aggregations of a group that was given a name share one repartition. */
  #repartitionNode(
    store: string,
    { sinkName, sourceName }: { readonly sinkName: string; readonly sourceName: string },
  ): RepartitionNode {
    const { repartitionName, key, value } = this.#state;
    if (this.#repartition === null || repartitionName === null) {
      this.#repartition = {
        kind: 'repartition',
        name: sourceName,
        topic: `${repartitionName ?? store}-repartition`,
        sinkName,
        filterName: null,
        partitions: null,
        partitioner: null,
        key,
        value: value === null ? null : eraseSerde(changeSerde(value)),
      };
    }
    return this.#repartition;
  }
}
