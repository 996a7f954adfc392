import { checkName } from '../topology/topology-error.ts';
import type { LogicalNode, RepartitionNode } from './logical-node.ts';

/** A node with the order in which it is written to the topology, lowest first. */
export interface LogicalEntry {
  readonly node: LogicalNode;
  readonly parents: ReadonlySet<LogicalNode>;
  readonly priority: number;
}

/**
 * What the calls on a `StreamsBuilder` and its streams have described so far, and the one counter behind all generated
 * names. Names depend on the order of the calls: a node given a name uses up a number too, so that naming one does not
 * rename the others, which would move their state.
 *
 * Source: `InternalStreamsBuilder`, `NamedInternal`.
 */
export class LogicalGraph {
  readonly #entries = new Map<LogicalNode, LogicalEntry>();
  readonly #copartitioned: (readonly string[])[] = [];
  /** By the node whose records it repartitions: joins share one, unless they give it names. */
  readonly joinRepartitions = new Map<LogicalNode, RepartitionNode>();
  #nextIndex = 0;
  #nextPriority = 0;

  /** In the order in which they were first added. */
  get entries(): ReadonlyMap<LogicalNode, LogicalEntry> {
    return this.#entries;
  }

  get copartitioned(): readonly (readonly string[])[] {
    return this.#copartitioned;
  }

  /** `given`, or `prefix` and the next number. */
  nodeName(prefix: string, given?: string): string {
    const generated = this.#number(prefix);
    if (given === undefined) return generated;
    checkName(given, 'the name of a node');
    return given;
  }

  /** As `nodeName`, with a suffix where the name was given. */
  suffixedName(prefix: string, suffix: string, given?: string): string {
    return this.nodeName(prefix, given === undefined ? undefined : `${given}${suffix}`);
  }

  storeName(prefix: string): string {
    return this.#number(`${prefix}STATE-STORE-`);
  }

  /** Adds a node, or adds parents to one that is there, which moves it to the end of the order. */
  add<N extends LogicalNode>(node: N, ...parents: readonly LogicalNode[]): N {
    const known = this.#entries.get(node)?.parents ?? [];
    Object.freeze(node);
    this.#entries.set(node, {
      node,
      parents: new Set([...known, ...parents]),
      priority: this.#nextPriority++,
    });
    return node;
  }

  /** The sources of these names must have equal partition counts. */
  copartition(sources: readonly string[]): void {
    this.#copartitioned.push(sources);
  }

  #number(prefix: string): string {
    return `${prefix}${String(this.#nextIndex++).padStart(10, '0')}`;
  }
}
