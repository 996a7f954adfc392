import { SessionWindows } from '../common/session-windows.ts';
import type { Initializer } from '../operators/stream-aggregate.ts';
import { streamAggregate } from '../operators/stream-aggregate.ts';
import { eraseSerde } from '../topology/erase.ts';
import type { CogroupedGroups } from './cogrouped-groups.ts';
import { KGroupedStream } from './kgrouped-stream.ts';
import { KTable } from './ktable.ts';
import { buildTableStore, storeNameOf } from './materialized.ts';
import type { Materialized, SerdePart } from './options.ts';
import { StoredTable, storeView } from './table-logic.ts';
import { SessionWindowedCogroupedKStream } from './session-windowed-cogrouped-kstream.ts';
import { TimeWindowedCogroupedKStream } from './time-windowed-cogrouped-kstream.ts';
import type { AnyTimeWindows } from './window-plan.ts';

/**
 * Several grouped streams that are aggregated into one table, each by an aggregator of its own. Immutable.
 *
 *     clicks
 *       .groupByKey()
 *       .cogroup<Visit>((_, click, visit) => ({ ...visit, clicks: visit.clicks + 1 }))
 *       .cogroup(orders.groupByKey(), (_, order, visit) => ({ ...visit, spent: visit.spent + order.total }))
 *       .aggregate(() => ({ clicks: 0, spent: 0 }), { value: serdes.json() })
 *
 * Records without key or value are dropped. The streams must have equal partition counts, or are repartitioned.
 * Source: KIP-150, `org.apache.kafka.streams.kstream.CogroupedKStream`.
 */
export class CogroupedKStream<K, A> {
  readonly #groups: CogroupedGroups;

  /** Only the DSL itself makes these: use `KGroupedStream.cogroup`. */
  constructor(groups: CogroupedGroups) {
    this.#groups = groups;
  }

  /** One stream more. The aggregator may change the aggregate it is given and return it; null deletes the row. */
  cogroup<V, Known extends SerdePart>(
    stream: KGroupedStream<K, V, Known>,
    aggregator: (key: K, value: Readonly<NonNullable<V>>, aggregate: A) => A | null,
  ): CogroupedKStream<K, A> {
    return new CogroupedKStream(this.#groups.with(KGroupedStream.groupOf(stream), aggregator));
  }

  /** Folds the records of all streams into one aggregate for each key. */
  aggregate(
    initializer: () => A,
    options: Materialized<K, NonNullable<A>, 'key'>,
  ): KTable<K, NonNullable<A>> {
    const { graph } = this.#groups;
    const store = storeNameOf(graph, 'COGROUPKSTREAM-AGGREGATE-', options);
    const key = eraseSerde(options.key) ?? this.#groups.key;
    const value = eraseSerde(options.value);
    const logic = new StoredTable(storeView(store), options);
    const initialize: Initializer<unknown> = initializer;
    return new KTable(
      this.#groups.aggregate({
        name: options.name,
        store,
        queryable: options.store !== undefined,
        buildStore: () => buildTableStore({ name: store, key, value, options }),
        create: (aggregator, forwards) => {
          const { sendsOldValues: sendOldValues } = logic;
          const functions = { initializer: initialize, aggregator };
          return streamAggregate({ ...functions, store, sendOldValues, forwards });
        },
        key,
        value,
        logic,
        windowGraceMs: null,
      }),
    );
  }

  /** For aggregating in sessions. */
  windowedBy(windows: SessionWindows): SessionWindowedCogroupedKStream<K, A>;
  /** For aggregating in tumbling, hopping, sliding or unlimited windows of event time. */
  windowedBy(windows: AnyTimeWindows): TimeWindowedCogroupedKStream<K, A>;
  windowedBy(windows: SessionWindows | AnyTimeWindows): unknown {
    return windows instanceof SessionWindows
      ? new SessionWindowedCogroupedKStream(this.#groups, windows)
      : new TimeWindowedCogroupedKStream(this.#groups, windows);
  }
}
