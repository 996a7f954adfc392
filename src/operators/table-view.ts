import type { InternalProcessorContext } from '../processor/internal-processor-context.ts';
import type { Timestamped } from '../state/table-store.ts';

/**
 * The current row of a key, null if there is none; of a versioned table, where a time is given, the row as it was then.
 * Its value may go to user code.
 */
export type TableReader<K = unknown, V = unknown> = (
  key: K,
  asOfMs?: number,
) => Timestamped<V> | null;

/** How an operator reads a table: from a store, or through what derives it from one. */
export interface TableView<K = unknown, V = unknown> {
  /** Stores that the reading processor must be connected to. */
  readonly stores: readonly string[];
  open(context: InternalProcessorContext): TableReader<K, V>;
}
