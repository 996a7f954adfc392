import type { CreateInternalProcessor } from '../processor/internal-processor-context.ts';
import type { StreamPartitioner } from '../processor/stream-partitioner.ts';
import type { TopicNameExtractor } from '../processor/topic-name-extractor.ts';
import type { Serde } from '../serde/serde.ts';
import type { StoreBuilder } from '../state/store-builder.ts';
import type { SourceSpec } from '../topology/topology-builder.ts';

/** `stream()`: those that read the same topics become one source. */
export interface StreamSourceNode {
  readonly kind: 'stream-source';
  readonly name: string;
  readonly source: SourceSpec;
}

/** `table()`: a source, the processor that keeps the table, and its store if something needs it. */
export interface TableSourceNode {
  readonly kind: 'table-source';
  /** Of the processor. */
  readonly name: string;
  readonly source: SourceSpec;
  readonly create: () => CreateInternalProcessor;
  /** With its source topic as changelog, where that is asked for. */
  readonly store: (options: { readonly reuseTopic: boolean }) => StoreBuilder | null;
}

export interface GlobalTableNode {
  readonly kind: 'global-table';
  /** Of the processor. */
  readonly name: string;
  readonly source: SourceSpec;
  readonly create: CreateInternalProcessor;
  readonly store: () => StoreBuilder;
}

/** `addStateStore()`: processors name it. */
export interface StateStoreNode {
  readonly kind: 'state-store';
  readonly name: string;
  readonly store: StoreBuilder;
}

/** One operator. What depends on later calls (is its table's store needed?) is asked for when the graph is lowered. */
export interface OperatorNode {
  readonly kind: 'operator';
  readonly name: string;
  readonly create: () => CreateInternalProcessor;
  /** Names of stores of other nodes, builders of its own. */
  readonly stores: () => readonly (string | StoreBuilder)[];
  /** A left join, which gives a result for a record without a key too: repartitions above it let those through. */
  readonly takesNullKeys: boolean;
  /** Of a windowed aggregation: how long after its end a window changes. `suppress` looks for it. */
  readonly windowGraceMs?: number | null;
  /**
   * What it does to records, as far as merging repartitions goes: they are moved above one that changes nothing, up to
   * one that changes the key or where streams merge. Left out: as one that changes values.
   */
  readonly changes?: 'key' | 'value' | 'merge' | 'nothing';
}

/** One of the processors of a join. */
export interface JoinProcessor {
  readonly name: string;
  /** Names of nodes that are written before it. */
  readonly parents: readonly string[];
  readonly create: () => CreateInternalProcessor;
}

/** A store that a join brings, or the name of another node's, with the processors that use it. */
export interface JoinStoreUse {
  readonly store: string | StoreBuilder;
  readonly processors: readonly string[];
}

/** A join whose sides both give results: a processor for each side, and one that hands on what either gives. */
export interface JoinNode extends JoinForm {
  readonly kind: 'join';
  /** Of the processor that children read from. */
  readonly name: string;
  readonly takesNullKeys: boolean;
  /** How a join of a stream with itself can be done with one store; null where not. */
  readonly selfJoin: SelfJoinForm | null;
}

interface JoinForm {
  readonly processors: readonly JoinProcessor[];
  readonly stores: () => readonly JoinStoreUse[];
}

export interface SelfJoinForm extends JoinForm {
  /** The node that this form does without. */
  readonly without: LogicalNode;
}

/** Through a topic of our own, which is partitioned by the key: a filter and a sink, then a source. */
export interface RepartitionNode {
  readonly kind: 'repartition';
  /** Of the source, from which children read. */
  readonly name: string;
  readonly topic: string;
  readonly sinkName: string;
  /** Null for changes of tables, whose keys are never null. */
  readonly filterName: string | null;
  readonly partitions: number | null;
  readonly partitioner: StreamPartitioner | null;
  readonly key: Serde<unknown> | null;
  readonly value: Serde<unknown> | null;
  /** Whether another repartition may stand for it: it is implied by an operator, not asked for by name. */
  readonly mergeable?: boolean;
}

export interface SinkNode {
  readonly kind: 'sink';
  readonly name: string;
  readonly topic: string | TopicNameExtractor;
  readonly partitioner: StreamPartitioner | null;
  readonly key: Serde<unknown> | null;
  readonly value: Serde<unknown> | null;
}

/** A node of the logical graph: frozen data, named as Kafka Streams names it. Children point to it by identity. */
export type LogicalNode =
  | StreamSourceNode
  | TableSourceNode
  | GlobalTableNode
  | StateStoreNode
  | OperatorNode
  | JoinNode
  | RepartitionNode
  | SinkNode;
