import { passThrough } from '../operators/pass-through.ts';
import { tableMerge } from '../operators/table-merge.ts';
import {
  joinedView,
  tableTableJoin,
  type LoneRows,
  type TableJoiner,
} from '../operators/table-table-join.ts';
import type { TableView } from '../operators/table-view.ts';
import { eraseSerde } from '../topology/erase.ts';
import {
  buildTableStore,
  historyRetentionOf,
  saysMaterialized,
  storeNameOf,
} from './materialized.ts';
import type { Grouped, StoreOptions } from './options.ts';
import type { TableState } from './stream-state.ts';
import { storeView, type TableLogic } from './table-logic.ts';

export type JoinKind = 'inner' | 'left' | 'outer';

type AnyJoiner = TableJoiner<unknown, unknown, unknown, unknown>;

export interface TableJoin {
  readonly kind: JoinKind;
  readonly joiner: AnyJoiner;
  readonly options: Grouped<unknown, unknown> & StoreOptions;
}

/**
 * The table that a join of two tables by the same key gives. It is kept only where a store is described; without one
 * it is read through the two tables, which both are kept.
 *
 * Source: `KTableImpl.doJoin`.
 */
export function joinTables(
  left: TableState,
  right: TableState,
  { kind, joiner, options }: TableJoin,
): TableState {
  const { graph } = left;
  const store = saysMaterialized(options) ? storeNameOf(graph, 'KTABLE-MERGE-', options) : null;
  const name = graph.nodeName('KTABLE-MERGE-', options.name);
  const sources = [...new Set([...left.sources, ...right.sources])];
  graph.copartition(sources);
  if (kind !== 'inner') left.logic.sendOldValues({ force: true });
  if (kind === 'outer') right.logic.sendOldValues({ force: true });

  const leftView = left.logic.view();
  const rightView = right.logic.view();
  const lone: LoneRows = { keepsThis: kind !== 'inner', keepsOther: kind === 'outer' };
  const logic = new JoinedTable({
    parents: [left.logic, right.logic],
    historyRetentionMs: historyRetentionOf(options),
    view:
      store === null
        ? joinedView({ ...lone, table: leftView, other: rightView, joiner })
        : storeView(store),
  });
  const leftName = graph.suffixedName('KTABLE-JOINTHIS-', '-join-this', options.name);
  const rightName = graph.suffixedName('KTABLE-JOINOTHER-', '-join-other', options.name);
  const key = eraseSerde(options.key) ?? left.key;
  const value = eraseSerde(options.value);
  const side = (other: TableView, rows: LoneRows, join: AnyJoiner) => () =>
    tableTableJoin<unknown, unknown, unknown, unknown>({
      ...rows,
      other,
      joiner: join,
      sendOldValues: logic.sendsOldValues,
    });
  const reversed: AnyJoiner = (rightValue, leftValue, k) => joiner(leftValue, rightValue, k);
  const node = graph.add(
    {
      kind: 'join',
      name,
      processors: [
        { name: leftName, parents: [left.node.name], create: side(rightView, lone, joiner) },
        {
          name: rightName,
          parents: [right.node.name],
          create: side(
            leftView,
            { keepsThis: lone.keepsOther, keepsOther: lone.keepsThis },
            reversed,
          ),
        },
        {
          name,
          parents: [leftName, rightName],
          create: () =>
            store === null
              ? passThrough()
              : tableMerge({ store, sendOldValues: logic.sendsOldValues }),
        },
      ],
      stores: () => [
        ...rightView.stores.map((read) => ({ store: read, processors: [leftName] })),
        ...leftView.stores.map((read) => ({ store: read, processors: [rightName] })),
        ...(store === null
          ? []
          : [{ store: buildTableStore({ name: store, key, value, options }), processors: [name] }]),
      ],
      takesNullKeys: false,
      selfJoin: null,
    },
    left.node,
    right.node,
  );
  return { graph, node, key, value, sources, logic, queryableStore: options.store ?? null };
}

interface JoinedTableOptions {
  readonly parents: readonly TableLogic[];
  readonly historyRetentionMs: number | null;
  readonly view: TableView;
}

/** A table that a join of two tables gives: old values of it need those of both. */
class JoinedTable implements TableLogic {
  readonly #options: JoinedTableOptions;
  #sendsOldValues = false;

  constructor(options: JoinedTableOptions) {
    this.#options = options;
  }

  get historyRetentionMs(): number | null {
    return this.#options.historyRetentionMs;
  }

  get sendsOldValues(): boolean {
    return this.#sendsOldValues;
  }

  sendOldValues(): boolean {
    for (const parent of this.#options.parents) parent.sendOldValues({ force: true });
    this.#sendsOldValues = true;
    return true;
  }

  view(): TableView {
    return this.#options.view;
  }
}
