import type { SessionWindows } from '../common/session-windows.ts';
import type { Windowed } from '../common/windowed.ts';
import type { Merger } from '../operators/session-aggregate.ts';
import type { Initializer } from '../operators/stream-aggregate.ts';
import { eraseSerde } from '../topology/erase.ts';
import type { CogroupedGroups } from './cogrouped-groups.ts';
import { KTable } from './ktable.ts';
import { storeNameOf } from './materialized.ts';
import type { WindowMaterialized } from './options.ts';
import { planSessions } from './session-plan.ts';

/**
 * Cogrouped streams to be aggregated in sessions. Every update of a session is an update of the table: as in Kafka
 * Streams there is no emission on window close here.
 *
 * Source: KIP-150, `org.apache.kafka.streams.kstream.SessionWindowedCogroupedKStream`.
 */
export class SessionWindowedCogroupedKStream<K, A> {
  readonly #groups: CogroupedGroups;
  readonly #windows: SessionWindows;

  /** Only the DSL itself makes these: use `CogroupedKStream.windowedBy`. */
  constructor(groups: CogroupedGroups, windows: SessionWindows) {
    this.#groups = groups;
    this.#windows = windows;
  }

  /** Folds the records of all streams into one aggregate for each key and session. */
  aggregate(
    initializer: () => A,
    merger: (key: K, aggregate: A, session: A) => A,
    options: WindowMaterialized<K, NonNullable<A>, 'key'>,
  ): KTable<Windowed<K>, NonNullable<A>> {
    const { graph } = this.#groups;
    const plan = planSessions({
      windows: this.#windows,
      emit: 'onWindowUpdate',
      store: storeNameOf(graph, 'COGROUPKSTREAM-AGGREGATE-', options),
      key: eraseSerde(options.key) ?? this.#groups.key,
      value: eraseSerde(options.value),
      options,
    });
    const initialize: Initializer<unknown> = initializer;
    const merge = merger as Merger<unknown, unknown>; // its types are those of the streams and of the initializer
    return new KTable(
      this.#groups.aggregate({
        ...plan,
        name: options.name,
        create: (aggregator, forwards) =>
          plan.create({ initializer: initialize, aggregator, merger: merge, forwards }),
      }),
    );
  }
}
