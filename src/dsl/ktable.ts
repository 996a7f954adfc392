import { tableToStream } from '../operators/table-to-stream.ts';
import { KStream } from './kstream.ts';
import type { Named, SerdePart } from './options.ts';
import type { TableState } from './stream-state.ts';

/**
 * A table: the latest value of each key, and the stream of its changes. Immutable, as a `KStream`.
 *
 * `Known` says for which of key and value a serde is known; `Out` is what `toStream()` gives: `V`, or `V | null` where
 * rows can be deleted.
 *
 * Source: `org.apache.kafka.streams.kstream.KTable`.
 */
export class KTable<K, V, Known extends SerdePart = SerdePart, Out = V | null> {
  readonly #state: TableState;
  /** What a row is, for the type checker alone. */
  declare readonly row: readonly [K, V];

  /** Only the DSL itself makes tables: begin with `StreamsBuilder.table` or an aggregation. */
  constructor(state: TableState) {
    this.#state = state;
  }

  /** By which the table can be queried; null where no name was given. */
  get queryableStore(): string | null {
    return this.#state.queryableStore;
  }

  /** Every change of the table as a record: the new value, or null where a row was deleted. */
  toStream({ name }: Named = {}): KStream<K, Out, Known> {
    const { graph, node, key, value, sources } = this.#state;
    const toStream = graph.add(
      {
        kind: 'operator',
        name: graph.nodeName('KTABLE-TOSTREAM-', name),
        create: () => tableToStream<K, V>(),
        stores: () => [],
        takesNullKeys: false,
      },
      node,
    );
    return new KStream<K, Out, Known>({
      graph,
      node: toStream,
      key,
      value,
      sources,
      repartitionRequired: false,
    });
  }

  /** Only for the DSL's other classes. */
  static stateOf<K, V, Known extends SerdePart, Out>(table: KTable<K, V, Known, Out>): TableState {
    return table.#state;
  }
}
