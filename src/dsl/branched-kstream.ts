import { branch, type BranchTarget } from '../operators/branch.ts';
import { passThrough } from '../operators/pass-through.ts';
import { checkName, topologyError } from '../topology/topology-error.ts';
import { KStream } from './kstream.ts';
import type { OperatorNode } from './logical-node.ts';
import type { Named, SerdePart } from './options.ts';
import type { StreamState } from './stream-state.ts';

/** What becomes of a branch. */
export interface Branched<K, V, Known extends SerdePart> {
  /** Ends the name of the branch, behind that of the split; its number if left out, 0 for the default branch. */
  readonly name?: string;
  /** Works on the branch at once. The stream it returns takes the branch's place in the result; none leaves it out. */
  chain?(stream: KStream<K, V, Known>): KStream<K, V> | null | undefined;
}

/** The branches by their names; those whose names are known when the program is compiled are surely there. */
export interface Branches<S, Names extends string> extends ReadonlyMap<string, S> {
  get(name: Names): S;
  get(name: string): S | undefined;
}

type NameOf<Prefix extends string, O> = O extends { readonly chain: unknown }
  ? never
  : O extends { readonly name: infer Name extends string }
    ? `${Prefix}${Name}`
    : never;

/**
 * A stream that is being split: each record goes to the first branch whose predicate holds.
 *
 *     const branches = orders
 *       .split({ name: 'order-' })
 *       .branch((_, order) => order.total > 1000, { name: 'large' })
 *       .defaultBranch({ name: 'other' });
 *     branches.get('order-large').to('large-orders');
 *
 * `defaultBranch` or `noDefaultBranch` ends it. Errors: `STREAMS_TOPOLOGY` for a name that is not allowed or is there
 * twice, and for a branch behind the last. Source: KIP-418, `org.apache.kafka.streams.kstream.BranchedKStream`.
 */
export class BranchedKStream<
  K,
  V,
  Known extends SerdePart,
  Prefix extends string,
  Names extends string = never,
> {
  readonly #stream: StreamState;
  readonly #splitter: OperatorNode;
  /** Untyped, so that a stream of `V` stays one of `V | null`. */
  readonly #targets: BranchTarget<unknown, unknown>[] = [];
  readonly #branches = new Map<string, KStream<K, V, Known>>();
  #isComplete = false;

  /** Only the DSL itself makes these: use `KStream.split`. */
  constructor(stream: StreamState, { name }: Named) {
    const { graph } = stream;
    const targets = this.#targets; // those that calls of `branch` add until the topology is built
    this.#stream = stream;
    this.#splitter = graph.add<OperatorNode>(
      {
        kind: 'operator',
        name: graph.nodeName('KSTREAM-BRANCH-', name),
        create: () => branch([...targets]),
        stores: () => [],
        takesNullKeys: false,
      },
      stream.node,
    );
  }

  /** The records for which the predicate holds, and none of the branches before. */
  branch<const O extends Branched<K, V, Known>>(
    predicate: (key: K, value: Readonly<V>) => boolean,
    options?: O,
    // eslint-disable-next-line @typescript-eslint/prefer-return-this-type -- it knows one name more than before
  ): BranchedKStream<K, V, Known, Prefix, Names | NameOf<Prefix, O>> {
    this.#add(predicate, String(this.#targets.length + 1), options ?? {});
    return this;
  }

  /** The records of no other branch. */
  defaultBranch<const O extends Branched<K, V, Known>>(
    options?: O,
  ): Branches<KStream<K, V, Known>, Names | NameOf<Prefix, O>> {
    this.#add(null, '0', options ?? {});
    return this.noDefaultBranch();
  }

  /** Drops the records of no branch. */
  noDefaultBranch(): Branches<KStream<K, V, Known>, Names> {
    this.#isComplete = true;
    // The names in the type are those of branches that were put in the map.
    return this.#branches as ReadonlyMap<string, KStream<K, V, Known>> as Branches<
      KStream<K, V, Known>,
      Names
    >;
  }

  #add(
    predicate: ((key: K, value: V) => boolean) | null,
    number: string,
    options: Branched<K, V, Known>,
  ): void {
    const { graph } = this.#stream;
    const { name = number } = options;
    const child = `${this.#splitter.name}${name}`;
    if (this.#isComplete) {
      throw topologyError(
        'the branches of this split are complete: call branch() before defaultBranch() or noDefaultBranch()',
        { node: child },
      );
    }
    checkName(child, 'the name of a branch');
    graph.nodeName(child); // Kafka Streams counts a name here that it does not use
    const node = graph.add<OperatorNode>(
      {
        kind: 'operator',
        name: child,
        create: passThrough,
        stores: () => [],
        takesNullKeys: false,
      },
      this.#splitter,
    );
    // The records of the branch are those of the stream.
    this.#targets.push({
      child,
      predicate: predicate as BranchTarget<unknown, unknown>['predicate'],
    });
    const stream = new KStream<K, V, Known>({ ...this.#stream, node });
    const kept = options.chain === undefined ? stream : options.chain(stream);
    // What a chain returns has its own node and serdes; the type of the map speaks of those of the branch.
    if (kept !== null && kept !== undefined) {
      this.#branches.set(child, kept as KStream<K, V, Known>);
    }
  }
}
