import type { SessionWindows } from '../common/session-windows.ts';
import type { Windowed } from '../common/windowed.ts';
import type { EmitStrategy } from '../operators/window-close.ts';
import type { Serde } from '../serde/serde.ts';
import { serdes } from '../serde/serdes.ts';
import { eraseSerde } from '../topology/erase.ts';
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
import { planSessions, type SessionFunctions } from './session-plan.ts';
import type { StreamGroup } from './stream-group.ts';
import type { TableState } from './stream-state.ts';

type SessionPrefix = 'KSTREAM-AGGREGATE-' | 'KSTREAM-REDUCE-';

/**
 * A grouped stream to be aggregated in sessions. The result is a table by key and session, whose bounds are the times of
 * its first and last record. A record that joins sessions deletes their rows and gives the row of the whole.
 *
 * Source: `org.apache.kafka.streams.kstream.SessionWindowedKStream`.
 */
export class SessionWindowedKStream<K, V, Known extends SerdePart = SerdePart> {
  readonly #group: StreamGroup;
  readonly #windows: SessionWindows;
  readonly #emit: EmitStrategy;

  /** Only the DSL itself makes these: use `KGroupedStream.windowedBy`. */
  constructor(group: StreamGroup, windows: SessionWindows, emit: EmitStrategy = 'onWindowUpdate') {
    this.#group = group;
    this.#windows = windows;
    this.#emit = emit;
  }

  /** Whether each update of a session is a result (the default), or each session once, when stream time has closed it. */
  emitStrategy(strategy: EmitStrategy): SessionWindowedKStream<K, V, Known> {
    return new SessionWindowedKStream(this.#group, this.#windows, strategy);
  }

  /** How many records each session has. */
  count(
    ...[options]: Optional<KeySerdeFor<K, Known> & Named & WindowStoreOptions>
  ): KTable<Windowed<K>, number> {
    const given: Grouped<K, number> & WindowStoreOptions = options ?? {};
    // Kafka Streams once named a store here that it no longer has, and goes on counting it.
    if (given.store === undefined && (saysMaterialized(given) || given.retention !== undefined)) {
      this.#group.graph.storeName('KSTREAM-AGGREGATE-');
    }
    const functions: SessionFunctions<K, V, number> = {
      initializer: () => 0,
      aggregator: (_key, _value, count) => count + 1,
      merger: (_key, count, other) => count + other,
    };
    const withSerde = { value: serdes.long, ...given };
    return new KTable(this.#aggregate('KSTREAM-AGGREGATE-', functions, withSerde));
  }

  /** Folds the values of each session into one of the same type; null deletes the row. */
  reduce(
    reducer: (aggregate: NonNullable<V>, value: Readonly<V>) => V | null,
    ...[options]: Optional<WindowMaterialized<K, NonNullable<V>, Known>>
  ): KTable<Windowed<K>, NonNullable<V>> {
    const given: Grouped<K, NonNullable<V>> & WindowStoreOptions = options ?? {};
    const reduce = (aggregate: V | null, value: V): V | null =>
      aggregate === null || aggregate === undefined ? value : reducer(aggregate, value);
    const functions: SessionFunctions<K, V, V | null> = {
      initializer: () => null,
      aggregator: (_key, value, aggregate) => reduce(aggregate, value),
      // A session that is there has a value.
      merger: (_key, aggregate, session) => reduce(aggregate, session as V),
    };
    return new KTable(this.#aggregate('KSTREAM-REDUCE-', functions, given, this.#group.value));
  }

  /**
   * Folds the values of each session into an aggregate of any type; the merger makes one aggregate of those of two
   * sessions that a record has joined. Both may change the aggregate they are given first and return it; null deletes
   * the row.
   */
  aggregate<A>(
    initializer: () => A,
    aggregator: (key: K, value: Readonly<V>, aggregate: A) => A | null,
    merger: (key: K, aggregate: A, session: A) => A,
    options: WindowMaterialized<K, NonNullable<A>, Exclude<Known, 'value'>>,
  ): KTable<Windowed<K>, A> {
    const functions = { initializer, aggregator, merger };
    return new KTable(this.#aggregate<A>('KSTREAM-AGGREGATE-', functions, options));
  }

  #aggregate<A>(
    prefix: SessionPrefix,
    functions: SessionFunctions<K, V, A>,
    options: Grouped<K, NonNullable<A>> & WindowStoreOptions,
    inheritedValue: Serde<unknown> | null = null,
  ): TableState {
    const { graph } = this.#group;
    const plan = planSessions({
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
      create: () => plan.create(functions),
    });
  }
}
