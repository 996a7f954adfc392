import type { Windowed } from '../common/windowed.ts';
import type { TableView } from '../operators/table-view.ts';
import { historyRetentionOf } from './materialized.ts';
import type { StoreOptions } from './options.ts';

/**
 * How a table is kept and read. Calls downstream change what upstream has to do: a join needs rows to look up, a
 * grouping needs the value before each update. Such needs are noted at the time of the call, as in Kafka Streams, since
 * a filter behaves differently after a join than before it.
 *
 * Source: `KTableImpl.enableSendingOldValues`, `KTableImpl.valueGetterSupplier`; parity T8.
 */
export interface TableLogic {
  /** Asks for the value before each update. Keeps rows for it only if forced; says whether the values will come. */
  sendOldValues(options: { readonly force: boolean }): boolean;
  /** Makes the table readable. */
  view(): TableView;
  /** How long old versions of rows can be read through the view; null where it shows the latest only. */
  readonly historyRetentionMs: number | null;
}

/** The table of a topic: kept in a store as soon as something needs it. */
export class SourceTable implements TableLogic {
  readonly historyRetentionMs: number | null;
  readonly #store: string;
  #stored: boolean;
  #sendsOldValues = false;

  constructor(store: string, options: StoreOptions) {
    this.historyRetentionMs = historyRetentionOf(options);
    this.#store = store;
    this.#stored = options.store !== undefined;
  }

  get stored(): boolean {
    return this.#stored;
  }

  get sendsOldValues(): boolean {
    return this.#sendsOldValues;
  }

  sendOldValues({ force }: { readonly force: boolean }): boolean {
    if (!force && !this.#stored) return false;
    this.#stored = true;
    this.#sendsOldValues = true;
    return true;
  }

  view(): TableView {
    this.#stored = true;
    return storeView(this.#store);
  }
}

/** A table that always has a store: an aggregate's. */
export class StoredTable implements TableLogic {
  readonly historyRetentionMs: number | null;
  readonly #view: TableView;
  #sendsOldValues = false;

  constructor(view: TableView, options: StoreOptions = {}) {
    this.historyRetentionMs = historyRetentionOf(options);
    this.#view = view;
  }

  get sendsOldValues(): boolean {
    return this.#sendsOldValues;
  }

  sendOldValues(): boolean {
    this.#sendsOldValues = true;
    return true;
  }

  view(): TableView {
    return this.#view;
  }
}

export function storeView(store: string): TableView {
  return {
    stores: [store],
    open(context) {
      const rows = context.tableStore(store);
      return (key, asOfMs) => (asOfMs === undefined ? rows.get(key) : rows.getAsOf(key, asOfMs));
    },
  };
}

/** Of a windowed table: its keys are windowed. */
export function windowStoreView(store: string): TableView {
  return {
    stores: [store],
    open(context) {
      const rows = context.windowTableStore(store);
      return (windowed) => {
        const { key, startMs } = windowed as Windowed<unknown>; // the join's types have made sure
        return rows.get(key, startMs);
      };
    },
  };
}

/** Of a table of sessions: a row is as recent as its session's last record. */
export function sessionStoreView(store: string): TableView {
  return {
    stores: [store],
    open(context) {
      const rows = context.sessionTableStore(store);
      return (windowed) => {
        const { key, startMs, endMs } = windowed as Windowed<unknown>; // the join's types have made sure
        const value = rows.get(key, startMs, endMs);
        return value === null ? null : { value, timestampMs: endMs };
      };
    },
  };
}
