import { StreamsError } from '../common/errors.ts';
import type { Serde } from '../serde/serde.ts';
import { repartitionTopicName } from '../topology/internal-topics.ts';
import type { SourceNode, Subtopology } from '../topology/topology-plan.ts';
import type { ProcessorNode } from './processor-node.ts';
import type { QueueSource } from './record-queue.ts';
import type { TaskConfig } from './task-config.ts';

/** Names of a plan's topics as the cluster has them: those of repartition topics get the application's id. */
export class TopicNames {
  readonly #applicationId: string;
  readonly #repartitionTopics: ReadonlySet<string>;

  /** `repartitionTopics`: as the plan names them. */
  constructor(applicationId: string, repartitionTopics: ReadonlySet<string>) {
    this.#applicationId = applicationId;
    this.#repartitionTopics = repartitionTopics;
  }

  resolve(planned: string): string {
    return this.isRepartition(planned)
      ? repartitionTopicName(this.#applicationId, planned)
      : planned;
  }

  isRepartition(planned: string): boolean {
    return this.#repartitionTopics.has(planned);
  }
}

/** Serdes of a source or a sink, with those of the config where it names none. Errors: `STREAMS_CONFIG`. */
export function serdesOf(
  node: {
    readonly name: string;
    readonly key: Serde<unknown> | null;
    readonly value: Serde<unknown> | null;
  },
  { defaultKeySerde, defaultValueSerde }: Pick<TaskConfig, 'defaultKeySerde' | 'defaultValueSerde'>,
): { key: Serde<unknown>; value: Serde<unknown> } {
  return {
    key: node.key ?? defaultKeySerde ?? missingSerde(node.name, 'key', 'defaultKeySerde'),
    value: node.value ?? defaultValueSerde ?? missingSerde(node.name, 'value', 'defaultValueSerde'),
  };
}

function missingSerde(node: string, part: string, option: string): never {
  throw new StreamsError(
    'STREAMS_CONFIG',
    `no serde for the ${part}s of this node: give it one, or set ${option}`,
    { site: { node, option } },
  );
}

/** A source whose children are filled in when the task starts, and again when it starts over. */
export class TaskSource implements QueueSource {
  readonly node: SourceNode;
  readonly children: ProcessorNode[] = [];

  constructor(node: SourceNode) {
    this.node = node;
  }

  get name(): string {
    return this.node.name;
  }
}

/** The sources of a sub-topology by the full names of their topics. */
export function sourcesByTopic(
  { nodes }: Pick<Subtopology, 'nodes'>,
  names: TopicNames,
): ReadonlyMap<string, TaskSource> {
  const sources = new Map<string, TaskSource>();
  for (const node of nodes) {
    if (node.kind !== 'source') continue;
    const source = new TaskSource(node);
    for (const topic of node.topics) sources.set(names.resolve(topic), source);
  }
  return sources;
}

/** Hands the nodes to their parents, in the order in which the topology names them. */
export function connectChildren(
  { nodes }: Pick<Subtopology, 'nodes'>,
  made: ReadonlyMap<string, ProcessorNode>,
  sources: Iterable<TaskSource>,
): void {
  const nodesOf = (names: readonly string[]): ProcessorNode[] =>
    names.map((name) => {
      const node = made.get(name);
      if (node !== undefined) return node;
      throw new StreamsError('STREAMS_INVARIANT', `the plan has no node '${name}' to be a child`);
    });
  for (const source of new Set(sources)) {
    source.children.splice(0, source.children.length, ...nodesOf(source.node.children));
  }
  for (const node of nodes) {
    if (node.kind === 'processor') made.get(node.name)?.children.push(...nodesOf(node.children));
  }
}
