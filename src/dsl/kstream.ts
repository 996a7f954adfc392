import { JoinWindows } from '../common/join-windows.ts';
import { filter } from '../operators/filter.ts';
import { flatMapValues } from '../operators/flat-map-values.ts';
import { flatMap } from '../operators/flat-map.ts';
import { mapValues } from '../operators/map-values.ts';
import { map, type KeyValue } from '../operators/map.ts';
import { passThrough } from '../operators/pass-through.ts';
import { peek } from '../operators/peek.ts';
import { processValues } from '../operators/process-values.ts';
import { selectKey } from '../operators/select-key.ts';
import type { CreateInternalProcessor } from '../processor/internal-processor-context.ts';
import type { FixedKeyProcessorSupplier } from '../processor/fixed-key-processor.ts';
import { newForEachTask } from '../processor/new-for-each-task.ts';
import type { ProcessorSupplier } from '../processor/processor.ts';
import type { TopicNameExtractor } from '../processor/topic-name-extractor.ts';
import type { Serde } from '../serde/serde.ts';
import { erasePartitioner, eraseSerde, eraseTopic } from '../topology/erase.ts';
import { checkName, topologyError } from '../topology/topology-error.ts';
import { BranchedKStream } from './branched-kstream.ts';
import type { GlobalKTable } from './global-ktable.ts';
import { joinStreams, type StreamJoin } from './join-streams.ts';
import type { JoinKind } from './join-tables.ts';
import { joinTable } from './join-table.ts';
import { KGroupedStream } from './kgrouped-stream.ts';
import { KTable } from './ktable.ts';
import type { OperatorNode } from './logical-node.ts';
import type {
  Given,
  Grouped,
  Joined,
  KeySerdeFor,
  Named,
  Optional,
  Produced,
  Repartitioned,
  SerdePart,
  StreamJoined,
  StoreOptions,
  ValueSerdeFor,
} from './options.ts';
import { repartitionNode } from './repartition.ts';
import { StreamGroup } from './stream-group.ts';
import type { StreamState } from './stream-state.ts';
import { streamToTable } from './stream-to-table.ts';
import { isWindowedSerde, windowedPartitioner } from './windowed-partitioner.ts';

/** What an operator is made of, beyond its place in the graph. */
interface OperatorSpec {
  readonly prefix: string;
  readonly changes: NonNullable<OperatorNode['changes']>;
  readonly name: string | undefined;
  readonly create: () => CreateInternalProcessor;
}

/**
 * A stream of records, each a fact of its own. Immutable: every operator gives a new stream and leaves this one as it
 * is, so that several operators can read the same one; each then sees the same value objects, which is why they are
 * `Readonly` in its functions.
 *
 * `Known` says for which of key and value a serde is known. Operators that change the type of one forget its serde,
 * and the next one that has to write it asks for it.
 *
 * Functions are synchronous. A record whose function throws is handled by the processing handler of the application.
 *
 * Errors: every method throws `STREAMS_TOPOLOGY` for a name that is not allowed; what only shows in the whole, such as
 * a name given twice, is thrown by `build()`.
 * Source: `org.apache.kafka.streams.kstream.KStream`.
 */
export class KStream<K, V, Known extends SerdePart = SerdePart> {
  readonly #state: StreamState;

  /** Only the DSL itself makes streams: begin with `StreamsBuilder.stream`. */
  constructor(state: StreamState) {
    this.#state = state;
  }

  /** Only the records for which the predicate holds. */
  filter(
    predicate: (key: K, value: Readonly<V>) => boolean,
    { name }: Named = {},
  ): KStream<K, V, Known> {
    const create = (): CreateInternalProcessor => filter<K, V>({ predicate, keep: true });
    return this.#kept(this.#add({ prefix: 'KSTREAM-FILTER-', changes: 'nothing', name, create }));
  }

  /** Only the records for which the predicate does not hold. */
  filterNot(
    predicate: (key: K, value: Readonly<V>) => boolean,
    { name }: Named = {},
  ): KStream<K, V, Known> {
    const create = (): CreateInternalProcessor => filter<K, V>({ predicate, keep: false });
    return this.#kept(this.#add({ prefix: 'KSTREAM-FILTER-', changes: 'nothing', name, create }));
  }

  /** Another key and value for each record. */
  map<KR, VR>(
    mapper: (key: K, value: Readonly<V>) => KeyValue<KR, VR>,
    { name }: Named = {},
  ): KStream<KR, VR, never> {
    const create = (): CreateInternalProcessor => map<K, V, KR, VR>(mapper);
    const node = this.#add({ prefix: 'KSTREAM-MAP-', changes: 'key', name, create });
    return new KStream({ ...this.#state, node, key: null, value: null, repartitionRequired: true });
  }

  /** Another value for each record. */
  mapValues<VR>(
    mapper: (value: Readonly<V>, key: K) => VR,
    { name }: Named = {},
  ): KStream<K, VR, Exclude<Known, 'value'>> {
    const create = (): CreateInternalProcessor => mapValues<K, V, VR>(mapper);
    const node = this.#add({ prefix: 'KSTREAM-MAPVALUES-', changes: 'value', name, create });
    return new KStream({ ...this.#state, node, value: null });
  }

  /** Another key for each record. What groups or joins the result by key repartitions it first. */
  selectKey<KR>(
    selector: (key: K, value: Readonly<V>) => KR,
    { name }: Named = {},
  ): KStream<KR, V, Exclude<Known, 'key'>> {
    const create = (): CreateInternalProcessor => selectKey<K, V, KR>(selector);
    const node = this.#add({ prefix: 'KSTREAM-KEY-SELECT-', changes: 'key', name, create });
    return new KStream({ ...this.#state, node, key: null, repartitionRequired: true });
  }

  /** Any number of records for each record. */
  flatMap<KR, VR>(
    mapper: (key: K, value: Readonly<V>) => Iterable<KeyValue<KR, VR>>,
    { name }: Named = {},
  ): KStream<KR, VR, never> {
    const create = (): CreateInternalProcessor => flatMap<K, V, KR, VR>(mapper);
    const node = this.#add({ prefix: 'KSTREAM-FLATMAP-', changes: 'key', name, create });
    return new KStream({ ...this.#state, node, key: null, value: null, repartitionRequired: true });
  }

  /** Any number of values for each record, under its key. */
  flatMapValues<VR>(
    mapper: (value: Readonly<V>, key: K) => Iterable<VR>,
    { name }: Named = {},
  ): KStream<K, VR, Exclude<Known, 'value'>> {
    const create = (): CreateInternalProcessor => flatMapValues<K, V, VR>(mapper);
    const node = this.#add({ prefix: 'KSTREAM-FLATMAPVALUES-', changes: 'value', name, create });
    return new KStream({ ...this.#state, node, value: null });
  }

  /** Shows every record to a function. What that does outside is not exactly once. */
  peek(action: (key: K, value: Readonly<V>) => void, { name }: Named = {}): KStream<K, V, Known> {
    const create = (): CreateInternalProcessor => peek<K, V>(action);
    return this.#kept(this.#add({ prefix: 'KSTREAM-PEEK-', changes: 'nothing', name, create }));
  }

  /** As `peek`, at the end of a stream. */
  foreach(action: (key: K, value: Readonly<V>) => void, { name }: Named = {}): void {
    const create = (): CreateInternalProcessor => peek<K, V>(action);
    this.#add({ prefix: 'KSTREAM-FOREACH-', changes: 'nothing', name, create });
  }

  /** The records of both streams, in no particular order between the two. */
  merge<Other extends SerdePart>(
    other: KStream<K, V, Other>,
    { name }: Named = {},
  ): KStream<K, V, never> {
    const { graph, node, sources, repartitionRequired } = this.#state;
    const second = KStream.stateOf(other);
    const merged = graph.add<OperatorNode>(
      {
        kind: 'operator',
        name: graph.nodeName('KSTREAM-MERGE-', name),
        create: passThrough,
        stores: () => [],
        takesNullKeys: false,
        changes: 'merge',
      },
      node,
      second.node,
    );
    return new KStream<K, V, never>({
      graph,
      node: merged,
      key: null,
      value: null,
      sources: [...new Set([...sources, ...second.sources])],
      repartitionRequired: repartitionRequired || second.repartitionRequired,
    });
  }

  /** Several streams of it, each with the records that a predicate holds for; `name` begins the names of all. */
  split<const Prefix extends string = string>(
    options: { readonly name?: Prefix } = {},
  ): BranchedKStream<K, V, Known, Prefix> {
    return new BranchedKStream(this.#state, options);
  }

  /** Through a topic of its own, partitioned by the key as it is now, whether that has changed or not. */
  repartition(...[options]: Optional<Repartitioned<K, NonNullable<V>, Known>>): KStream<K, V> {
    const { graph, node, key, value } = this.#state;
    const given: Partial<Repartitioned<K, NonNullable<V>, never>> = options ?? {};
    checkPartitions(given.partitions);
    const serdes = { key: eraseSerde(given.key) ?? key, value: eraseSerde(given.value) ?? value };
    const through = graph.add(
      repartitionNode(graph, {
        prefix: given.name ?? graph.nodeName('KSTREAM-REPARTITION-'),
        ...serdes,
        partitions: given.partitions ?? null,
        partitioner: erasePartitioner(given.partitioner),
        mergeable: false,
      }),
      node,
    );
    return new KStream({
      graph,
      node: through,
      ...serdes,
      sources: [through.name],
      repartitionRequired: false,
    });
  }

  /** Writes every record to a topic, which must exist; or to the one that a function names for it. */
  to(
    topic: string | TopicNameExtractor<K, Readonly<V>>,
    ...[options]: Optional<Produced<K, NonNullable<V>, Known>>
  ): void {
    const { graph, node } = this.#state;
    const given: Partial<Produced<K, NonNullable<V>, never>> = options ?? {};
    const key = eraseSerde(given.key) ?? this.#state.key;
    const windowed = isWindowedSerde(key) ? windowedPartitioner(key) : null;
    graph.add(
      {
        kind: 'sink',
        name: graph.nodeName('KSTREAM-SINK-', given.name),
        topic: eraseTopic(topic),
        partitioner: erasePartitioner(given.partitioner) ?? erasePartitioner(windowed),
        key,
        value: eraseSerde(given.value) ?? this.#state.value,
      },
      node,
    );
  }

  /**
   * A processor of your own, with stores: names of those added to the builder, or builders that it brings. It may be
   * async. Its input is not repartitioned, even where the key has changed.
   */
  process<KR, VR>(supplier: ProcessorSupplier<K, V, KR, VR>): KStream<KR, VR, never> {
    const create = newForEachTask(supplier);
    const node = this.#processed(
      { prefix: 'KSTREAM-PROCESSOR-', changes: 'key', create },
      supplier,
    );
    return new KStream<KR, VR, never>({
      ...this.#state,
      node,
      key: null,
      value: null,
      repartitionRequired: true,
    });
  }

  /** As `process`, with a processor that cannot change keys: the result need not be repartitioned on its account. */
  processValues<VR>(
    supplier: FixedKeyProcessorSupplier<K, V, VR>,
  ): KStream<K, VR, Exclude<Known, 'value'>> {
    const create = processValues<K, V, VR>(newForEachTask(supplier));
    const node = this.#processed(
      { prefix: 'KSTREAM-PROCESSVALUES-', changes: 'value', create },
      supplier,
    );
    return new KStream({ ...this.#state, node, value: null });
  }

  /** For aggregating by key. */
  groupByKey<const O extends Grouped<K, NonNullable<V>>>(
    options?: O,
  ): KGroupedStream<K, V, Known | Given<O>> {
    const { key, value } = this.#state;
    const serdes = {
      key: eraseSerde(options?.key) ?? key,
      value: eraseSerde(options?.value) ?? value,
    };
    return new KGroupedStream(
      new StreamGroup({ ...this.#state, ...serdes }, options?.name ?? null),
    );
  }

  /** For aggregating by another key; the records are repartitioned by it. */
  groupBy<KR>(
    selector: (key: K, value: Readonly<V>) => KR,
    options: KeySerdeFor<KR, never> & ValueSerdeFor<NonNullable<V>, Known> & Named,
  ): KGroupedStream<KR, V> {
    const { name } = options;
    const create = (): CreateInternalProcessor => selectKey<K, V, KR>(selector);
    const node = this.#add({ prefix: 'KSTREAM-KEY-SELECT-', changes: 'key', name, create });
    const given: { readonly value?: Serde<NonNullable<V>> } = options;
    const grouped = {
      ...this.#state,
      node,
      key: eraseSerde(options.key),
      value: eraseSerde(given.value) ?? this.#state.value,
      repartitionRequired: true,
    };
    return new KGroupedStream(new StreamGroup(grouped, name ?? null));
  }

  /** The last value of each key: a null value deletes, a record without a key is dropped. */
  toTable(
    ...[options]: Optional<
      KeySerdeFor<K, Known> & ValueSerdeFor<NonNullable<V>, Known> & Named & StoreOptions
    >
  ): KTable<K, NonNullable<V>> {
    const given: Partial<Grouped<K, NonNullable<V>>> & StoreOptions = options ?? {};
    return new KTable(streamToTable(this.#state, given));
  }

  /** Joins every record with the row of its key in a table, and drops those without one. */
  join<VT, VR, KnownT extends SerdePart, Out>(
    table: KTable<K, VT, KnownT, Out>,
    joiner: (value: Readonly<V>, tableValue: Readonly<VT>, key: K) => VR,
    options?: Joined<K, NonNullable<V>>,
  ): KStream<K, VR, Exclude<Known, 'value'>>;
  /** Joins every record with the row of a global table that `keyOf` names, and drops those without one. */
  join<KG, VG, VR>(
    table: GlobalKTable<KG, VG>,
    keyOf: (key: K, value: Readonly<V>) => KG | null,
    joiner: (value: Readonly<V>, tableValue: Readonly<VG>, key: K) => VR,
    options?: Named,
  ): KStream<K, VR, Exclude<Known, 'value'>>;
  /** Joins every record with those of its key in another stream whose times are near. */
  join<VO, VR, KnownO extends SerdePart>(
    other: KStream<K, VO, KnownO>,
    joiner: (value: Readonly<NonNullable<V>>, otherValue: Readonly<NonNullable<VO>>, key: K) => VR,
    windows: JoinWindows,
    ...options: Optional<StreamJoined<K, NonNullable<V>, NonNullable<VO>, Known, KnownO>>
  ): KStream<K, VR, 'key'>;
  join(other: unknown, ...rest: readonly unknown[]): KStream<K, unknown, never> {
    return new KStream(this.#joined('inner', other, rest));
  }

  /** Joins every record with the row of its key in a table, or with null. */
  leftJoin<VT, VR, KnownT extends SerdePart, Out>(
    table: KTable<K, VT, KnownT, Out>,
    joiner: (value: Readonly<V>, tableValue: Readonly<VT> | null, key: K) => VR,
    options?: Joined<K, NonNullable<V>>,
  ): KStream<K, VR, Exclude<Known, 'value'>>;
  /** Joins every record with the row of a global table that `keyOf` names, or with null. */
  leftJoin<KG, VG, VR>(
    table: GlobalKTable<KG, VG>,
    keyOf: (key: K, value: Readonly<V>) => KG | null,
    joiner: (value: Readonly<V>, tableValue: Readonly<VG> | null, key: K) => VR,
    options?: Named,
  ): KStream<K, VR, Exclude<Known, 'value'>>;
  /**
   * Joins every record with those of its key in another stream whose times are near. One that has found none when its
   * window has closed is joined with null then.
   */
  leftJoin<VO, VR, KnownO extends SerdePart>(
    other: KStream<K, VO, KnownO>,
    joiner: (
      value: Readonly<NonNullable<V>>,
      otherValue: Readonly<NonNullable<VO>> | null,
      key: K,
    ) => VR,
    windows: JoinWindows,
    ...options: Optional<StreamJoined<K, NonNullable<V>, NonNullable<VO>, Known, KnownO>>
  ): KStream<K, VR, 'key'>;
  leftJoin(other: unknown, ...rest: readonly unknown[]): KStream<K, unknown, never> {
    return new KStream(this.#joined('left', other, rest));
  }

  /** As `leftJoin`, where the records of the other stream too are joined with null if they have found none. */
  outerJoin<VO, VR, KnownO extends SerdePart>(
    other: KStream<K, VO, KnownO>,
    joiner: (
      value: Readonly<NonNullable<V>> | null,
      otherValue: Readonly<NonNullable<VO>> | null,
      key: K,
    ) => VR,
    windows: JoinWindows,
    ...options: Optional<StreamJoined<K, NonNullable<V>, NonNullable<VO>, Known, KnownO>>
  ): KStream<K, VR, 'key'>;
  outerJoin(other: unknown, ...rest: readonly unknown[]): KStream<K, unknown, never> {
    return new KStream(this.#joined('outer', other, rest));
  }

  /** Only for the DSL's other classes. */
  static stateOf<K, V, Known extends SerdePart>(stream: KStream<K, V, Known>): StreamState {
    return stream.#state;
  }

  #joined(kind: JoinKind, other: unknown, rest: readonly unknown[]): StreamState {
    if (!(other instanceof KStream)) {
      return joinTable(this.#state, { table: other, rest, left: kind === 'left' });
    }
    // The overloads have it so.
    const [joiner, windows, options = {}] = rest as [
      StreamJoin['joiner'],
      unknown,
      StreamJoin['options']?,
    ];
    if (!(windows instanceof JoinWindows)) {
      throw topologyError(
        'a join of two streams needs windows: join(other, joiner, JoinWindows.of({ timeDifference }))',
        { node: this.#state.node.name },
      );
    }
    const right = KStream.stateOf(other);
    return joinStreams(this.#state, right, { kind, joiner, windows, options });
  }

  /** A user's processor: the one kind of node whose given name leaves no gap in the numbers, as in Kafka Streams. */
  #processed(
    {
      prefix,
      changes,
      create,
    }: Omit<OperatorSpec, 'name' | 'create'> & { create: CreateInternalProcessor },
    { name, stores = [] }: Pick<ProcessorSupplier<K, V>, 'name' | 'stores'>,
  ): OperatorNode {
    if (name !== undefined) checkName(name, 'the name of a node');
    return this.#named(name ?? this.#state.graph.nodeName(prefix), {
      stores,
      changes,
      create: () => create,
    });
  }

  #add({ prefix, changes, name, create }: OperatorSpec): OperatorNode {
    return this.#named(this.#state.graph.nodeName(prefix, name), { create, stores: [], changes });
  }

  #named(
    name: string,
    {
      create,
      stores,
      changes,
    }: Pick<OperatorSpec, 'create' | 'changes'> & Required<Pick<ProcessorSupplier<K, V>, 'stores'>>,
  ): OperatorNode {
    const { graph, node } = this.#state;
    return graph.add(
      { kind: 'operator', name, create, stores: () => stores, takesNullKeys: false, changes },
      node,
    );
  }

  #kept(node: OperatorNode): KStream<K, V, Known> {
    return new KStream({ ...this.#state, node });
  }
}

function checkPartitions(partitions: number | undefined): void {
  if (partitions === undefined || (Number.isInteger(partitions) && partitions > 0)) return;
  throw topologyError(`a repartition topic cannot have ${partitions} partitions: give 1 or more`);
}
