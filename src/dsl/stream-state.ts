import type { Serde } from '../serde/serde.ts';
import type { LogicalGraph } from './logical-graph.ts';
import type { LogicalNode } from './logical-node.ts';
import type { TableLogic } from './table-logic.ts';

/**
 * Where in the graph a stream is, and what is known of its records. Untyped: the classes that users see carry the types
 * of keys and values, and what they put here fits those.
 */
export interface StreamState {
  readonly graph: LogicalGraph;
  readonly node: LogicalNode;
  readonly key: Serde<unknown> | null;
  readonly value: Serde<unknown> | null;
  /** Names of the sources it comes from: a join must find equal partition counts there. */
  readonly sources: readonly string[];
  /** Whether the key may have changed since the records were last partitioned by it. */
  readonly repartitionRequired: boolean;
}

export interface TableState extends Omit<StreamState, 'repartitionRequired'> {
  readonly logic: TableLogic;
  /** By which the table can be queried; null where the store's name is generated or there is none. */
  readonly queryableStore: string | null;
}
