import { Change } from '../common/change.ts';
import type { StreamRecord } from '../common/record.ts';
import type { InternalProcessorContext } from '../processor/internal-processor-context.ts';
import type { Processor } from '../processor/processor.ts';
import type { CreateOperator } from './operator.ts';
import { returned } from './returned.ts';
import type { TableReader, TableView } from './table-view.ts';

/** Gets null for the side that has no row, in joins where a row of the other side alone gives a result. */
export type TableJoiner<K, V, VO, VR> = (value: V | null, otherValue: VO | null, key: K) => VR;

/** Which rows give a result where the other table has none of their key: neither in an inner join, both in an outer one. */
export interface LoneRows {
  /** Of the table whose changes are processed here. */
  readonly keepsThis: boolean;
  readonly keepsOther: boolean;
}

export interface TableTableJoinOptions<K, V, VO, VR> extends LoneRows {
  readonly other: TableView<K, VO>;
  readonly joiner: TableJoiner<K, V, VO, VR | null>;
  readonly sendOldValues: boolean;
}

/**
 * One side of a join of two tables: every change of a row is joined with the row of its key in the other table.
 *
 *     in     StreamRecord<K, Change<V>>
 *     out    StreamRecord<K, Change<VR>>, as recent as the more recent of the two rows
 *     reads  the other table
 *
 * Where the result has gone its deletion is forwarded, also if there was none before: only an inner join without a row
 * on the other side forwards nothing, and a change from nothing to nothing.
 *
 * A late update of a versioned table is dropped (`out-of-order`).
 *
 * Source: KIP-914, `KTableKTableInnerJoin`, `…LeftJoin`, `…RightJoin`, `…OuterJoin`; parity J13-J15, M14.
 */
export function tableTableJoin<K, V, VO, VR>(
  options: TableTableJoinOptions<K, V, VO, VR>,
): CreateOperator<K, Change<V>, K, Change<VR>> {
  return (context) => new TableTableJoin(context, options);
}

class TableTableJoin<K, V, VO, VR> implements Processor<K, Change<V>> {
  readonly #context: InternalProcessorContext<K, Change<VR>>;
  readonly #otherRow: TableReader<K, VO>;
  readonly #options: TableTableJoinOptions<K, V, VO, VR>;

  constructor(
    context: InternalProcessorContext<K, Change<VR>>,
    options: TableTableJoinOptions<K, V, VO, VR>,
  ) {
    this.#context = context;
    this.#otherRow = options.other.open(context);
    this.#options = options;
  }

  process(record: StreamRecord<K, Change<V>>): void {
    const { key, value: change, timestampMs } = record;
    if (!change.isLatest) {
      this.#context.drop('out-of-order');
      return;
    }
    const { keepsThis, sendOldValues } = this.#options;
    const row = this.#otherRow(key);
    if (row === null) {
      if (!keepsThis) return;
      if (change.newValue === null && change.oldValue === null) return;
    }
    const otherValue = row === null ? null : row.value;
    const newValue = joined(this.#options, key, change.newValue, otherValue);
    const oldValue = sendOldValues ? joined(this.#options, key, change.oldValue, otherValue) : null;
    const result = record.withValue(new Change(newValue, oldValue));
    const recentMs = row === null ? timestampMs : Math.max(timestampMs, row.timestampMs);
    this.#context.forward(recentMs === timestampMs ? result : result.withTimestamp(recentMs));
  }
}

type Join<K, V, VO, VR> = LoneRows & {
  readonly joiner: TableJoiner<K, V, VO, VR | null>;
};

function joined<K, V, VO, VR>(
  { keepsThis, keepsOther, joiner }: Join<K, V, VO, VR>,
  key: K,
  value: V | null,
  otherValue: VO | null,
): VR | null {
  if (value === null && (otherValue === null || !keepsOther)) return null;
  if (otherValue === null && !keepsThis) return null;
  return returned(joiner(value, otherValue, key), 'joiner');
}

export interface JoinedViewOptions<K, V, VO, VR> extends Join<K, V, VO, VR> {
  readonly table: TableView<K, V>;
  readonly other: TableView<K, VO>;
}

/** Reads a join of two tables that is not kept: the joiner runs for every read. */
export function joinedView<K, V, VO, VR>(
  options: JoinedViewOptions<K, V, VO, VR>,
): TableView<K, VR> {
  const { table, other } = options;
  return {
    stores: [...new Set([...table.stores, ...other.stores])],
    open(context) {
      const rowOf = table.open(context);
      const otherRowOf = other.open(context);
      return (key) => {
        const row = rowOf(key);
        const otherRow = otherRowOf(key);
        const value = joined(options, key, row?.value ?? null, otherRow?.value ?? null);
        if (value === null) return null;
        const timestampMs = Math.max(row?.timestampMs ?? -1, otherRow?.timestampMs ?? -1);
        return { value, timestampMs };
      };
    },
  };
}
