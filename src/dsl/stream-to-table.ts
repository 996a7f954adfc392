import { tableSource } from '../operators/table-source.ts';
import { eraseSerde } from '../topology/erase.ts';
import { buildTableStore, storeNameOf } from './materialized.ts';
import type { LogicalNode } from './logical-node.ts';
import type { Grouped, StoreOptions } from './options.ts';
import { repartitionNode } from './repartition.ts';
import type { StreamState, TableState } from './stream-state.ts';
import { SourceTable } from './table-logic.ts';

/** The table of the last value of each key of a stream, which is repartitioned first where its key has changed. */
export function streamToTable<K, V>(
  stream: StreamState,
  options: Grouped<K, V> & StoreOptions,
): TableState {
  const { graph } = stream;
  const name = graph.nodeName('KSTREAM-TOTABLE-', options.name);
  const store = storeNameOf(graph, 'KSTREAM-TOTABLE-', options);
  const key = eraseSerde(options.key) ?? stream.key;
  const value = eraseSerde(options.value) ?? stream.value;

  let parent: LogicalNode = stream.node;
  let { sources } = stream;
  if (stream.repartitionRequired) {
    parent = graph.add(repartitionNode(graph, { prefix: name, key, value }), parent);
    sources = [parent.name];
  }
  const logic = new SourceTable(store, options);
  const node = graph.add(
    {
      kind: 'operator',
      name,
      create: () =>
        tableSource({
          store: logic.stored ? store : null,
          sendOldValues: logic.sendsOldValues,
          sharedValues: true,
        }),
      stores: () => (logic.stored ? [buildTableStore({ name: store, key, value, options })] : []),
      takesNullKeys: false,
    },
    parent,
  );
  return { graph, node, key, value, sources, logic, queryableStore: options.store ?? null };
}
