import { serdes } from '../serde/serdes.ts';
import { SessionWindows } from '../common/session-windows.ts';
import {
  streamAggregate,
  type Aggregator,
  type Initializer,
} from '../operators/stream-aggregate.ts';
import { streamReduce, type Reducer } from '../operators/stream-reduce.ts';
import { eraseSerde } from '../topology/erase.ts';
import { CogroupedGroups } from './cogrouped-groups.ts';
import { CogroupedKStream } from './cogrouped-kstream.ts';
import type { StreamGroup } from './stream-group.ts';
import { KTable } from './ktable.ts';
import { buildTableStore, saysMaterialized, storeNameOf } from './materialized.ts';
import type {
  Grouped,
  KeySerdeFor,
  Materialized,
  Named,
  Optional,
  SerdePart,
  StoreOptions,
} from './options.ts';
import type { TableState } from './stream-state.ts';
import { SessionWindowedKStream } from './session-windowed-kstream.ts';
import { StoredTable, storeView } from './table-logic.ts';
import { TimeWindowedKStream } from './time-windowed-kstream.ts';
import type { AnyTimeWindows } from './window-plan.ts';

/**
 * A stream whose records are grouped by key, to be aggregated into a table: for ever, or in windows.
 *
 * Where the key may have changed, each aggregation repartitions the records first, through a topic named after its
 * store; aggregations of a group that was given a name share one.
 *
 * Source: `org.apache.kafka.streams.kstream.KGroupedStream`.
 */
export class KGroupedStream<K, V, Known extends SerdePart = SerdePart> {
  readonly #group: StreamGroup;

  /** Only the DSL itself makes these: use `groupBy` and `groupByKey`. */
  constructor(group: StreamGroup) {
    this.#group = group;
  }

  /** How many records each key has had. */
  count(
    ...[options]: Optional<KeySerdeFor<K, Known> & Named & StoreOptions>
  ): KTable<K, number, SerdePart, number> {
    const given: Grouped<K, number> & StoreOptions = options ?? {};
    // Kafka Streams once named a store here that it no longer has, and goes on counting it.
    if (given.store === undefined && saysMaterialized(given)) {
      this.#group.graph.storeName('KSTREAM-AGGREGATE-');
    }
    const initializer = (): number => 0;
    const aggregator = (_key: K, _value: V, count: number): number => count + 1;
    return new KTable(this.#aggregate(initializer, aggregator, { value: serdes.long, ...given }));
  }

  /** Folds the values of each key into one of the same type; null deletes the row. */
  reduce<R extends V | null>(
    reducer: (aggregate: NonNullable<V>, value: Readonly<NonNullable<V>>) => R,
    ...[options]: Optional<Materialized<K, NonNullable<V>, Known>>
  ): KTable<K, NonNullable<V>, SerdePart, NonNullable<V> | Extract<R, null>> {
    const { graph } = this.#group;
    const given: Grouped<K, NonNullable<V>> & StoreOptions = options ?? {};
    const store = storeNameOf(graph, 'KSTREAM-REDUCE-', given);
    const key = eraseSerde(given.key) ?? this.#group.key;
    const value = eraseSerde(given.value) ?? this.#group.value;
    const logic = new StoredTable(storeView(store), options);
    return new KTable(
      this.#group.aggregate({
        name: graph.nodeName('KSTREAM-REDUCE-', given.name),
        store,
        queryable: given.store !== undefined,
        buildStore: () => buildTableStore({ name: store, key, value, options: given }),
        create: () =>
          streamReduce<K, NonNullable<V>>({
            store,
            sendOldValues: logic.sendsOldValues,
            reducer: reducer as Reducer<NonNullable<V>>, // R is V, or null, which deletes
          }),
        key,
        value,
        logic,
        windowGraceMs: null,
      }),
    );
  }

  /**
   * Folds the values of each key into an aggregate of any type. The aggregator may change the aggregate it is given
   * and return it; null deletes the row.
   */
  aggregate<A, R extends A | null>(
    initializer: () => A,
    aggregator: (key: K, value: Readonly<NonNullable<V>>, aggregate: A) => R,
    options: Materialized<K, NonNullable<A>, Exclude<Known, 'value'>>,
  ): KTable<K, A, SerdePart, A | Extract<R, null>> {
    return new KTable(this.#aggregate<A>(initializer, aggregator, options));
  }

  /** For aggregating in sessions: windows of event time that end where a key is silent. */
  windowedBy(windows: SessionWindows): SessionWindowedKStream<K, V, Known>;
  /** For aggregating in tumbling, hopping, sliding or unlimited windows of event time. */
  windowedBy(windows: AnyTimeWindows): TimeWindowedKStream<K, V, Known>;
  windowedBy(windows: SessionWindows | AnyTimeWindows): unknown {
    return windows instanceof SessionWindows
      ? new SessionWindowedKStream(this.#group, windows)
      : new TimeWindowedKStream(this.#group, windows);
  }

  /**
   * For aggregating several grouped streams into one table: begins with this one. The aggregator may change the
   * aggregate it is given and return it; null deletes the row.
   */
  cogroup<A>(
    aggregator: (key: K, value: Readonly<NonNullable<V>>, aggregate: A) => A | null,
  ): CogroupedKStream<K, A> {
    return new CogroupedKStream(CogroupedGroups.begin(this.#group, aggregator));
  }

  /** Only for the DSL's other classes. */
  static groupOf<K, V, Known extends SerdePart>(stream: KGroupedStream<K, V, Known>): StreamGroup {
    return stream.#group;
  }

  #aggregate<A>(
    initializer: Initializer<A>,
    aggregator: Aggregator<K, NonNullable<V>, A>,
    options: Grouped<K, NonNullable<A>> & StoreOptions,
  ): TableState {
    const { graph } = this.#group;
    const store = storeNameOf(graph, 'KSTREAM-AGGREGATE-', options);
    const key = eraseSerde(options.key) ?? this.#group.key;
    const value = eraseSerde(options.value);
    const logic = new StoredTable(storeView(store), options);
    return this.#group.aggregate({
      name: graph.nodeName('KSTREAM-AGGREGATE-', options.name),
      store,
      queryable: options.store !== undefined,
      buildStore: () => buildTableStore({ name: store, key, value, options }),
      create: () =>
        streamAggregate({ store, sendOldValues: logic.sendsOldValues, initializer, aggregator }),
      key,
      value,
      logic,
      windowGraceMs: null,
    });
  }
}
