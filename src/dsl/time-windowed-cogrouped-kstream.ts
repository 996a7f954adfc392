import type { Windowed } from '../common/windowed.ts';
import type { Initializer } from '../operators/stream-aggregate.ts';
import { eraseSerde } from '../topology/erase.ts';
import type { CogroupedGroups } from './cogrouped-groups.ts';
import { KTable } from './ktable.ts';
import { storeNameOf } from './materialized.ts';
import type { WindowMaterialized } from './options.ts';
import { planWindows, type AnyTimeWindows } from './window-plan.ts';

/**
 * Cogrouped streams to be aggregated in tumbling, hopping, sliding or unlimited windows of event time. Every update of a
 * window is an update of the table: as in Kafka Streams there is no emission on window close here.
 *
 * Source: KIP-150, `org.apache.kafka.streams.kstream.TimeWindowedCogroupedKStream`.
 */
export class TimeWindowedCogroupedKStream<K, A> {
  readonly #groups: CogroupedGroups;
  readonly #windows: AnyTimeWindows;

  /** Only the DSL itself makes these: use `CogroupedKStream.windowedBy`. */
  constructor(groups: CogroupedGroups, windows: AnyTimeWindows) {
    this.#groups = groups;
    this.#windows = windows;
  }

  /** Folds the records of all streams into one aggregate for each key and window. */
  aggregate(
    initializer: () => A,
    options: WindowMaterialized<K, NonNullable<A>, 'key'>,
  ): KTable<Windowed<K>, NonNullable<A>> {
    const { graph } = this.#groups;
    const plan = planWindows({
      windows: this.#windows,
      emit: 'onWindowUpdate',
      store: storeNameOf(graph, 'COGROUPKSTREAM-AGGREGATE-', options),
      key: eraseSerde(options.key) ?? this.#groups.key,
      value: eraseSerde(options.value),
      options,
    });
    const initialize: Initializer<unknown> = initializer;
    return new KTable(
      this.#groups.aggregate({
        ...plan,
        name: options.name,
        create: (aggregator, forwards) =>
          plan.create({ initializer: initialize, aggregator, forwards }),
      }),
    );
  }
}
