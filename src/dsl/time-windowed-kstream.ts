import { SlidingWindows } from '../common/sliding-windows.ts';
import type { Windowed } from '../common/windowed.ts';
import type { Aggregator, Initializer } from '../operators/stream-aggregate.ts';
import type { EmitStrategy } from '../operators/window-close.ts';
import type { Serde } from '../serde/serde.ts';
import { serdes } from '../serde/serdes.ts';
import { eraseSerde } from '../topology/erase.ts';
import type { StreamGroup } from './stream-group.ts';
import { KTable } from './ktable.ts';
import { saysMaterialized, storeNameOf } from './materialized.ts';
import type {
  Grouped,
  KeySerdeFor,
  Named,
  Optional,
  SerdePart,
  WindowMaterialized,
  WindowStoreOptions,
} from './options.ts';
import type { TableState } from './stream-state.ts';
import { checkEmit, planWindows, type AnyTimeWindows } from './window-plan.ts';

interface WindowAggregation<K, V, A> {
  readonly prefix: 'KSTREAM-AGGREGATE-' | 'KSTREAM-REDUCE-';
  readonly initializer: Initializer<A>;
  readonly aggregator: Aggregator<K, V, A>;
}

/**
 * A grouped stream to be aggregated in tumbling, hopping, sliding or unlimited windows of event time. The result is a
 * table by key and window; every update of a window is an update of the table unless an emit strategy says otherwise, and
 * records that come after a window has closed are dropped. Null values reach the functions, but not those of sliding
 * windows.
 *
 * Source: `org.apache.kafka.streams.kstream.TimeWindowedKStream`.
 */
export class TimeWindowedKStream<K, V, Known extends SerdePart = SerdePart> {
  readonly #group: StreamGroup;
  readonly #windows: AnyTimeWindows;
  readonly #emit: EmitStrategy;

  /** Only the DSL itself makes these: use `KGroupedStream.windowedBy`. */
  constructor(group: StreamGroup, windows: AnyTimeWindows, emit: EmitStrategy = 'onWindowUpdate') {
    this.#group = group;
    this.#windows = windows;
    this.#emit = emit;
  }

  /**
   * Whether each update of a window is a result (the default), or each window once, when stream time has closed it. The
   * latter looks for closed windows when a record comes, at most once in `emitIntervalMs`.
   *
   * Errors: `STREAMS_TOPOLOGY` where windows never close.
   */
  emitStrategy(strategy: EmitStrategy): TimeWindowedKStream<K, V, Known> {
    checkEmit(this.#windows, strategy);
    return new TimeWindowedKStream(this.#group, this.#windows, strategy);
  }

  /** How many records each key has in each window. */
  count(
    ...[options]: Optional<KeySerdeFor<K, Known> & Named & WindowStoreOptions>
  ): KTable<Windowed<K>, number, SerdePart, number> {
    const given: Grouped<K, number> & WindowStoreOptions = options ?? {};
    // Kafka Streams once named a store here that it no longer has, and goes on counting it; not for sliding windows.
    const isGiven = saysMaterialized(given) || given.retention !== undefined;
    if (given.store === undefined && isGiven && !(this.#windows instanceof SlidingWindows)) {
      this.#group.graph.storeName('KSTREAM-AGGREGATE-');
    }
    const aggregation: WindowAggregation<K, V, number> = {
      prefix: 'KSTREAM-AGGREGATE-',
      initializer: () => 0,
      aggregator: (_key, _value, count) => count + 1,
    };
    return new KTable(this.#aggregate(aggregation, { value: serdes.long, ...given }));
  }

  /** Folds the values of each key and window into one of the same type; null deletes the row. */
  reduce<R extends V | null>(
    reducer: (aggregate: NonNullable<V>, value: Readonly<V>) => R,
    ...[options]: Optional<WindowMaterialized<K, NonNullable<V>, Known>>
  ): KTable<Windowed<K>, NonNullable<V>, SerdePart, NonNullable<V> | Extract<R, null>> {
    const given: Grouped<K, NonNullable<V>> & WindowStoreOptions = options ?? {};
    const aggregation: WindowAggregation<K, V, V | null> = {
      prefix: 'KSTREAM-REDUCE-',
      initializer: () => null,
      aggregator: (_key, value, aggregate) =>
        aggregate === null || aggregate === undefined ? value : reducer(aggregate, value),
    };
    return new KTable(this.#aggregate(aggregation, given, this.#group.value));
  }

  /**
   * Folds the values of each key and window into an aggregate of any type. The aggregator may change the aggregate it
   * is given and return it; null deletes the row.
   */
  aggregate<A, R extends A | null>(
    initializer: () => A,
    aggregator: (key: K, value: Readonly<V>, aggregate: A) => R,
    options: WindowMaterialized<K, NonNullable<A>, Exclude<Known, 'value'>>,
  ): KTable<Windowed<K>, A, SerdePart, A | Extract<R, null>> {
    return new KTable(
      this.#aggregate<A>({ prefix: 'KSTREAM-AGGREGATE-', initializer, aggregator }, options),
    );
  }

  #aggregate<A>(
    { prefix, initializer, aggregator }: WindowAggregation<K, V, A>,
    options: Grouped<K, NonNullable<A>> & WindowStoreOptions,
    inheritedValue: Serde<unknown> | null = null,
  ): TableState {
    const { graph } = this.#group;
    const plan = planWindows({
      windows: this.#windows,
      emit: this.#emit,
      store: storeNameOf(graph, prefix, options),
      key: eraseSerde(options.key) ?? this.#group.key,
      value: eraseSerde(options.value) ?? inheritedValue,
      options,
    });
    return this.#group.aggregate({
      ...plan,
      name: graph.nodeName(prefix, options.name),
      create: () => plan.create({ initializer, aggregator }),
    });
  }
}
