import { suppress, suppressedView } from '../operators/suppress.ts';
import { changeBufferBuilder } from '../state/stores.ts';
import { checkName, topologyError } from '../topology/topology-error.ts';
import type { LogicalGraph } from './logical-graph.ts';
import type { LogicalNode, OperatorNode } from './logical-node.ts';
import type { TableState } from './stream-state.ts';
import type { SuppressedUntilTimeLimit, SuppressedUntilWindowCloses } from './suppressed.ts';
import type { TableLogic } from './table-logic.ts';

/**
 * The table that `KTable.suppress` gives. Makes the table above keep its rows, since what comes out has the value before
 * the first update that was withheld.
 *
 * Errors: `STREAMS_TOPOLOGY` for a versioned table, and where no window is above that could close; from `build()`, where a serde is not known.
 */
export function suppressTable(
  table: TableState,
  suppressed: SuppressedUntilWindowCloses | SuppressedUntilTimeLimit,
): TableState {
  const { graph, node: above, key, value, logic: parent } = table;
  if (parent.historyRetentionMs !== null) {
    throw topologyError(
      'suppress() would hide versions of a versioned table: suppress a table that keeps none',
      { node: above.name },
    );
  }
  const { maxRecords, maxBytes, whenFull, logging } = suppressed;
  // A given name uses up no number here, unlike those of other operators.
  const name = suppressed.name ?? graph.nodeName('KTABLE-SUPPRESS-');
  checkName(name, 'the name of a node');
  const isFinal = suppressed.until === 'window-closes';
  const waitMs = isFinal ? graceAbove(graph, above) : suppressed.waitMs;
  const store =
    suppressed.name === undefined ? graph.storeName('KTABLE-SUPPRESS-') : `${name}-store`;
  parent.sendOldValues({ force: true });

  const from = isFinal ? 'window-end' : 'record-time';
  const node = graph.add<OperatorNode>(
    {
      kind: 'operator',
      name,
      create: () => suppress({ store, from, waitMs, maxRecords, maxBytes, whenFull }),
      stores: () => {
        if (key !== null && value !== null) {
          return [changeBufferBuilder({ name: store, key, value, logging })];
        }
        const missing = key === null ? 'key' : 'value';
        throw topologyError(
          `no serde for the ${missing} of this table is known: pass { ${missing}: … } to the call that made it`,
          { node: name, store },
        );
      },
      takesNullKeys: false,
    },
    above,
  );
  const logic: TableLogic = {
    sendOldValues: (options) => parent.sendOldValues(options),
    view: () => suppressedView(parent.view(), store),
    historyRetentionMs: null,
  };
  return { ...table, node, logic, queryableStore: null };
}

/**
 * How long after its end a window above still changes; the longest, where several come together.
 *
 * Source: `GraphGraceSearchUtil`.
 */
function graceAbove(graph: LogicalGraph, node: LogicalNode): number {
  if (node.kind === 'operator' && node.windowGraceMs !== undefined && node.windowGraceMs !== null) {
    return node.windowGraceMs;
  }
  const parents = [...(graph.entries.get(node)?.parents ?? [])];
  if (parents.length === 0) {
    throw topologyError(
      'suppress until windows close needs windows, but what comes from here has none: aggregate in windows first, or ' +
        'use Suppressed.untilTimeLimit',
      { node: node.name },
    );
  }
  return Math.max(...parents.map((parent) => graceAbove(graph, parent)));
}
