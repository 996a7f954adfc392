import type { TableView } from '../operators/table-view.ts';
import { storeView } from './table-logic.ts';

/**
 * A table that every instance keeps whole, so that streams can join it by any key, without repartitioning. It is read
 * before the application runs and followed from then on; streams do not wait for it.
 *
 * Source: `org.apache.kafka.streams.kstream.GlobalKTable`.
 */
export class GlobalKTable<K, V> {
  /** By which the table can be queried; null where no name was given. */
  readonly queryableStore: string | null;
  readonly #view: TableView;
  /** What a row is, for the type checker alone. */
  declare readonly row: readonly [K, V];

  /** Only the DSL itself makes tables: begin with `StreamsBuilder.globalTable`. */
  constructor(store: string, queryableStore: string | null) {
    this.queryableStore = queryableStore;
    this.#view = storeView(store);
  }

  /** Only for the DSL's other classes. */
  static viewOf(table: GlobalKTable<unknown, unknown>): TableView {
    return table.#view;
  }
}
