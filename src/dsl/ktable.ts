import type { Windowed } from '../common/windowed.ts';
import { filteredView, tableFilter } from '../operators/table-filter.ts';
import type { FilterOptions } from '../operators/filter.ts';
import { mappedView, tableMapValues } from '../operators/table-map-values.ts';
import { tableSelect } from '../operators/table-select.ts';
import { tableToStream } from '../operators/table-to-stream.ts';
import type { ValueMapper } from '../operators/map-values.ts';
import type { CreateInternalProcessor } from '../processor/internal-processor-context.ts';
import type { Serdes } from '../serde/serde.ts';
import type { StoreBuilder } from '../state/store-builder.ts';
import { eraseSerde } from '../topology/erase.ts';
import { topologyError } from '../topology/topology-error.ts';
import { DerivedTable } from './derived-table.ts';
import { joinByForeignKey, type ForeignKeyJoin } from './join-by-foreign-key.ts';
import { joinTables, type JoinKind, type TableJoin } from './join-tables.ts';
import { KGroupedTable } from './kgrouped-table.ts';
import { KStream } from './kstream.ts';
import type { OperatorNode } from './logical-node.ts';
import {
  buildTableStore,
  historyRetentionOf,
  saysMaterialized,
  storeNameOf,
  type StorePlan,
} from './materialized.ts';
import type {
  Given,
  Grouped,
  Named,
  SerdePart,
  StoreOptions,
  TableJoined,
  ValueSerdeFor,
} from './options.ts';
import type { TableState } from './stream-state.ts';
import { suppressTable } from './suppress-table.ts';
import type { SuppressedUntilTimeLimit, SuppressedUntilWindowCloses } from './suppressed.ts';

/** How an operator that gives a table from another one may keep it: only where it names a store. */
export type TableOptions<K, V> = Grouped<K, NonNullable<V>> & StoreOptions;

interface OperatorSpec {
  readonly prefix: string;
  readonly name: string | undefined;
  readonly create: () => CreateInternalProcessor;
  readonly store?: StorePlan | null;
}

/**
 * A table: the latest value of each key, and the stream of its changes. Immutable, as a `KStream`.
 *
 * `Known` says for which of key and value a serde is known; `Out` is what `toStream()` gives: `V`, or `V | null` where
 * rows can be deleted.
 *
 * Errors: as `KStream`. Source: `org.apache.kafka.streams.kstream.KTable`.
 */
export class KTable<K, V, Known extends SerdePart = SerdePart, Out = V | null> {
  readonly #state: TableState;

  /** Only the DSL itself makes tables: begin with `StreamsBuilder.table` or an aggregation. */
  constructor(state: TableState) {
    this.#state = state;
  }

  /** By which the table can be queried; null where no name was given. */
  get queryableStore(): string | null {
    return this.#state.queryableStore;
  }

  /** Only the rows for which the predicate holds. The result is kept in a store only if one is named. */
  filter<const O extends TableOptions<K, V>>(
    predicate: (key: K, value: Readonly<V>) => boolean,
    options?: O,
  ): KTable<K, V, Known | Given<O>> {
    return new KTable(this.#filtered({ predicate, keep: true }, options));
  }

  /** Only the rows for which the predicate does not hold. */
  filterNot<const O extends TableOptions<K, V>>(
    predicate: (key: K, value: Readonly<V>) => boolean,
    options?: O,
  ): KTable<K, V, Known | Given<O>> {
    return new KTable(this.#filtered({ predicate, keep: false }, options));
  }

  /** Another value for each row. The result is kept in a store only if one is named, which needs a serde. */
  mapValues<VR>(
    mapper: (value: Readonly<V>, key: K) => VR,
    options: ValueSerdeFor<NonNullable<VR>, never> & TableOptions<K, NonNullable<VR>>,
  ): KTable<K, NonNullable<VR>, Known | 'value', VR | Extract<Out, null>>;
  mapValues<VR>(
    mapper: (value: Readonly<V>, key: K) => VR,
    options?: Named,
  ): KTable<K, NonNullable<VR>, Exclude<Known, 'value'>, VR | Extract<Out, null>>;
  mapValues<VR>(
    mapper: (value: Readonly<V>, key: K) => VR,
    options: TableOptions<K, NonNullable<VR>> = {},
  ): unknown {
    const valueMapper: ValueMapper<K, V, VR> = mapper;
    const { plan, key } = this.#storePlan('KTABLE-MAPVALUES-', options);
    const value = eraseSerde(options.value);
    const logic = new DerivedTable({
      parent: this.#state.logic,
      store: plan?.name ?? null,
      historyRetentionMs: historyRetentionOf(options),
      // The view's types are those of this table.
      deriveView: (parent) => mappedView(parent, valueMapper as ValueMapper<unknown, unknown, VR>),
    });
    const node = this.#add({
      prefix: 'KTABLE-MAPVALUES-',
      name: options.name,
      create: () =>
        tableMapValues<K, V, VR>({
          mapper: valueMapper,
          store: plan?.name ?? null,
          sendOldValues: logic.sendsOldValues,
        }),
      store: plan === null ? null : { ...plan, value },
    });
    return new KTable({
      ...this.#state,
      node,
      logic,
      key,
      value,
      queryableStore: plan?.name ?? null,
    });
  }

  /**
   * For aggregating the rows by another key: `[key, value]` of the group that a row belongs to, null in either place for
   * none. The changes go through a repartition topic. Makes this table keep its rows.
   */
  groupBy<KR, VR>(
    selector: (key: K, value: Readonly<V>) => readonly [key: KR | null, value: VR | null],
    options: Serdes<KR, VR> & Named,
  ): KGroupedTable<KR, VR> {
    const node = this.#add({
      prefix: 'KTABLE-SELECT-',
      name: options.name,
      create: () => tableSelect<K, V, KR, VR>(selector),
    });
    this.#state.logic.sendOldValues({ force: true });
    return new KGroupedTable({
      graph: this.#state.graph,
      node,
      key: eraseSerde(options.key),
      value: eraseSerde(options.value),
      repartitionName: options.name ?? null,
    });
  }

  /**
   * Joins every row with the row of the other table that it points to, by its key there; null points to none. Results
   * follow changes of either. Rows and answers go through topics of their own, so serdes of both tables must be known.
   */
  join<KO, VO, VR, KnownO extends SerdePart, OutO>(
    other: KTable<KO, VO, KnownO, OutO>,
    foreignKeyOf: (value: Readonly<V>, key: K) => KO | null,
    joiner: (value: Readonly<V>, otherValue: Readonly<VO>, key: K) => VR,
    options: ValueSerdeFor<NonNullable<VR>, never> &
      TableOptions<K, NonNullable<VR>> &
      TableJoined<K, KO>,
  ): KTable<K, NonNullable<VR>, Known | 'value', VR | null>;
  join<KO, VO, VR, KnownO extends SerdePart, OutO>(
    other: KTable<KO, VO, KnownO, OutO>,
    foreignKeyOf: (value: Readonly<V>, key: K) => KO | null,
    joiner: (value: Readonly<V>, otherValue: Readonly<VO>, key: K) => VR,
    options?: TableJoined<K, KO>,
  ): KTable<K, NonNullable<VR>, Exclude<Known, 'value'>, VR | null>;
  /** The rows of the keys that both tables have. The result is kept in a store only if one is described. */
  join<VO, VR, KnownO extends SerdePart, OutO>(
    other: KTable<K, VO, KnownO, OutO>,
    joiner: (value: Readonly<V>, otherValue: Readonly<VO>, key: K) => VR,
    options: ValueSerdeFor<NonNullable<VR>, never> & TableOptions<K, NonNullable<VR>>,
  ): KTable<K, NonNullable<VR>, Known | 'value', VR | Extract<Out | OutO, null>>;
  join<VO, VR, KnownO extends SerdePart, OutO>(
    other: KTable<K, VO, KnownO, OutO>,
    joiner: (value: Readonly<V>, otherValue: Readonly<VO>, key: K) => VR,
    options?: Named,
  ): KTable<K, NonNullable<VR>, Exclude<Known, 'value'>, VR | Extract<Out | OutO, null>>;
  join(other: unknown, ...rest: readonly unknown[]): unknown {
    return this.#joined('inner', other, rest);
  }

  /** As `join` by a foreign key, where a row that points to none, or to one that is not there, gives a result with null. */
  leftJoin<KO, VO, VR, KnownO extends SerdePart, OutO>(
    other: KTable<KO, VO, KnownO, OutO>,
    foreignKeyOf: (value: Readonly<V>, key: K) => KO | null,
    joiner: (value: Readonly<V>, otherValue: Readonly<VO> | null, key: K) => VR,
    options: ValueSerdeFor<NonNullable<VR>, never> &
      TableOptions<K, NonNullable<VR>> &
      TableJoined<K, KO>,
  ): KTable<K, NonNullable<VR>, Known | 'value', VR | null>;
  leftJoin<KO, VO, VR, KnownO extends SerdePart, OutO>(
    other: KTable<KO, VO, KnownO, OutO>,
    foreignKeyOf: (value: Readonly<V>, key: K) => KO | null,
    joiner: (value: Readonly<V>, otherValue: Readonly<VO> | null, key: K) => VR,
    options?: TableJoined<K, KO>,
  ): KTable<K, NonNullable<VR>, Exclude<Known, 'value'>, VR | null>;
  /** Every row of this table, with the other table's row of its key or null. */
  leftJoin<VO, VR, KnownO extends SerdePart, OutO>(
    other: KTable<K, VO, KnownO, OutO>,
    joiner: (value: Readonly<V>, otherValue: Readonly<VO> | null, key: K) => VR,
    options: ValueSerdeFor<NonNullable<VR>, never> & TableOptions<K, NonNullable<VR>>,
  ): KTable<K, NonNullable<VR>, Known | 'value', VR | Extract<Out, null>>;
  leftJoin<VO, VR, KnownO extends SerdePart, OutO>(
    other: KTable<K, VO, KnownO, OutO>,
    joiner: (value: Readonly<V>, otherValue: Readonly<VO> | null, key: K) => VR,
    options?: Named,
  ): KTable<K, NonNullable<VR>, Exclude<Known, 'value'>, VR | Extract<Out, null>>;
  leftJoin(other: unknown, ...rest: readonly unknown[]): unknown {
    return this.#joined('left', other, rest);
  }

  /** The rows of every key that either table has, with null for the row that is not there. */
  outerJoin<VO, VR, KnownO extends SerdePart, OutO>(
    other: KTable<K, VO, KnownO, OutO>,
    joiner: (value: Readonly<V> | null, otherValue: Readonly<VO> | null, key: K) => VR,
    options: ValueSerdeFor<NonNullable<VR>, never> & TableOptions<K, NonNullable<VR>>,
  ): KTable<K, NonNullable<VR>, Known | 'value', VR | Extract<Out | OutO, null>>;
  outerJoin<VO, VR, KnownO extends SerdePart, OutO>(
    other: KTable<K, VO, KnownO, OutO>,
    joiner: (value: Readonly<V> | null, otherValue: Readonly<VO> | null, key: K) => VR,
    options?: Named,
  ): KTable<K, NonNullable<VR>, Exclude<Known, 'value'>, VR | Extract<Out | OutO, null>>;
  outerJoin(other: unknown, ...rest: readonly unknown[]): unknown {
    return this.#joined('outer', other, rest);
  }

  /** Every change of the table as a record under another key: the new value, or null where a row was deleted. */
  toStream<KR>(
    selector: (key: K, value: Readonly<Out>) => KR,
    options?: Named,
  ): KStream<KR, Out, Exclude<Known, 'key'>>;
  /** Every change of the table as a record. */
  toStream(options?: Named): KStream<K, Out, Known>;
  toStream(...given: readonly unknown[]): unknown {
    // The overloads have it so: a selector and options, or options alone.
    const [selector, options] = (
      typeof given[0] === 'function' ? given : [null, given[0]]
    ) as readonly [((key: K, value: Readonly<Out>) => unknown) | null, Named?];
    const { name } = options ?? {};
    const create = (): CreateInternalProcessor => tableToStream<K, V>();
    const node = this.#add({ prefix: 'KTABLE-TOSTREAM-', name, create });
    const { graph, key, value, sources } = this.#state;
    const state = { graph, node, key, value, sources, repartitionRequired: false };
    const stream = new KStream<K, Out, Known>(state);
    return selector === null ? stream : stream.selectKey(selector);
  }

  /**
   * The same table, but its updates are withheld: until a window has closed, or for some time. `untilWindowCloses` is for
   * tables with windowed keys only.
   *
   * Errors: `STREAMS_TOPOLOGY` where no windowed aggregation comes before.
   */
  suppress(
    suppressed: K extends Windowed<unknown>
      ? SuppressedUntilWindowCloses | SuppressedUntilTimeLimit
      : SuppressedUntilTimeLimit,
  ): KTable<K, V, Known, Out> {
    return new KTable(suppressTable(this.#state, suppressed));
  }

  /** Only for the DSL's other classes. */
  static stateOf<K, V, Known extends SerdePart, Out>(table: KTable<K, V, Known, Out>): TableState {
    return table.#state;
  }

  #joined(
    kind: JoinKind,
    other: unknown,
    rest: readonly unknown[],
  ): KTable<K, unknown, never, unknown> {
    if (!(other instanceof KTable)) {
      throw topologyError('join() of a table takes another KTable', {
        node: this.#state.node.name,
      });
    }
    const right = KTable.stateOf(other);
    if (typeof rest[1] === 'function') {
      // The overloads have it so, and these too.
      const [foreignKeyOf, join, given = {}] = rest as [
        ForeignKeyJoin['foreignKeyOf'],
        ForeignKeyJoin['joiner'],
        ForeignKeyJoin['options']?,
      ];
      const spec = { left: kind === 'left', foreignKeyOf, joiner: join, options: given };
      return new KTable(joinByForeignKey(this.#state, right, spec));
    }
    const [joiner, options = {}] = rest as [TableJoin['joiner'], TableJoin['options']?];
    return new KTable(joinTables(this.#state, right, { kind, joiner, options }));
  }

  #filtered(filter: FilterOptions<K, V>, options: TableOptions<K, V> = {}): TableState {
    const { plan, key, value } = this.#storePlan('KTABLE-FILTER-', options);
    const store = plan?.name ?? null;
    const logic = new DerivedTable({
      parent: this.#state.logic,
      store,
      historyRetentionMs: historyRetentionOf(options),
      // The view's types are those of this table.
      deriveView: (parent) => filteredView(parent, filter as FilterOptions<unknown, unknown>),
    });
    logic.takeOldValuesIfAny();
    const versioned = this.#state.logic.historyRetentionMs !== null;
    const node = this.#add({
      prefix: 'KTABLE-FILTER-',
      name: options.name,
      create: () => {
        const { sendsOldValues: sendOldValues } = logic;
        return tableFilter<K, V>({ ...filter, store, sendOldValues, versioned });
      },
      store: plan,
    });
    return { ...this.#state, node, logic, key, value, queryableStore: store };
  }

  /** The store of a derived table, null if none is named; a number is used up where one might have been. */
  #storePlan<VR>(
    prefix: string,
    options: TableOptions<K, VR>,
  ): {
    readonly plan: StorePlan | null;
    readonly key: StorePlan['key'];
    readonly value: StorePlan['value'];
  } {
    const { graph } = this.#state;
    const key = eraseSerde(options.key) ?? this.#state.key;
    const value = eraseSerde(options.value) ?? this.#state.value;
    if (!saysMaterialized(options)) return { plan: null, key, value };
    const name = storeNameOf(graph, prefix, options);
    return { plan: options.store === undefined ? null : { name, key, value, options }, key, value };
  }

  #add({ prefix, name, create, store = null }: OperatorSpec): OperatorNode {
    const { graph, node } = this.#state;
    return graph.add(
      {
        kind: 'operator',
        name: graph.nodeName(prefix, name),
        create,
        stores: (): StoreBuilder[] => (store === null ? [] : [buildTableStore(store)]),
        takesNullKeys: false,
      },
      node,
    );
  }
}
