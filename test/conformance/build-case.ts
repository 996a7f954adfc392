import { StreamsBuilder } from '../../src/dsl/streams-builder.ts';
import { Suppressed, type SuppressedUntilTimeLimit } from '../../src/dsl/suppressed.ts';
import type { TimestampExtractor } from '../../src/processor/timestamp-extractor.ts';
import type { Topology } from '../../src/topology/topology.ts';
import {
  NotBuilt,
  evaluateDatum,
  evaluateValue,
  serdesOf,
  type Built,
  type BuiltOf,
  type Datum,
  type Shape,
  type Stream,
  type Table,
  type Value,
  type Windowing,
} from './built.ts';
import { BuiltNodes } from './built-nodes.ts';
import type { Case, CaseNode, NodeOf, Types } from './case.ts';
import { evaluate, type Expression } from './expression.ts';
import { mapAggregation, mapCogroup, mapWindows } from './map-aggregations.ts';
import { mapForeignKeyJoin, mapJoin } from './map-joins.ts';
import { mapProcessor, setTimestamp } from './map-processors.ts';
import { storeOptions } from './store-options.ts';

export interface BuiltCase {
  readonly topology: Topology;
  /** How the records of each topic look that the case reads or writes. */
  readonly topics: ReadonlyMap<string, Shape>;
}

/**
 * A case's topology in our DSL, each node by the method of its name.
 *
 * Throws `NotBuilt` for what the DSL does not have yet, and whatever the DSL refuses.
 */
export function buildCase(subject: Case): BuiltCase {
  if (subject.config.optimize !== undefined) throw new NotBuilt('topology optimization');
  const builder = new StreamsBuilder();
  const nodes = new BuiltNodes();
  const topics = new Map<string, Shape>();
  for (const node of subject.topology) {
    if (node.op === 'stream' || node.op === 'table' || node.op === 'globalTable') {
      const windowing = node.op === 'stream' ? sourceWindowing(subject, node) : null;
      const shape = { types: typesOf(node), windowing };
      for (const topic of topicsOf(node)) topics.set(topic, shape);
      nodes.set(node.name, mapSource(builder, node, shape));
    } else if (node.op === 'to') {
      const { stream, shape } = nodes.of('stream', node.from);
      stream.to(node.topic, serdesOf(shape));
      topics.set(node.topic, shape);
    } else if (node.op === 'split') {
      mapSplit(nodes, node);
    } else {
      nodes.set(node.name, mapNode(nodes, node));
    }
  }
  return { topology: builder.build(), topics };
}

type SourceNode = NodeOf<'stream' | 'table' | 'globalTable'>;

function mapSource(builder: StreamsBuilder, node: SourceNode, shape: Shape): Built {
  const consumed = { ...serdesOf(shape), ...timestampsBy(node.timestamp) };
  switch (node.op) {
    case 'stream': {
      const stream: Stream = builder.stream<Datum, Value>(topicsOf(node), consumed);
      return { kind: 'stream', stream, shape };
    }
    case 'table': {
      const table: Table = builder.table(node.topic, { ...consumed, ...storeOptions(node) });
      return { kind: 'table', table, shape };
    }
    case 'globalTable': {
      const table = builder.globalTable(node.topic, consumed);
      return { kind: 'global table', table, shape };
    }
  }
}

type InnerNode = Exclude<CaseNode, SourceNode | NodeOf<'to' | 'split'>>;

function mapNode(nodes: BuiltNodes, node: InnerNode): Built {
  switch (node.op) {
    case 'filter':
    case 'filterNot':
      return mapFilter(nodes.get(node.from), node);
    case 'mapValues':
      return mapMapValues(nodes.get(node.from), node);
    case 'map': {
      const { stream, shape } = nodes.of('stream', node.from);
      const mapped: Stream = stream.map((k, v) => [
        evaluateDatum(node.key, { k, v }),
        evaluateValue(node.value, { k, v }),
      ]);
      return { kind: 'stream', stream: mapped, shape: rekeyed(shape, node.types, node.key) };
    }
    case 'selectKey': {
      const { stream, shape } = nodes.of('stream', node.from);
      const { key = null } = node;
      const selected: Stream = stream.selectKey((k, v) => evaluateDatum(key, { k, v }));
      return { kind: 'stream', stream: selected, shape: rekeyed(shape, node.types, key) };
    }
    case 'flatMap': {
      const { stream, shape } = nodes.of('stream', node.from);
      // A case's function gives a list of pairs, or null for none.
      const mapped: Stream = stream.flatMap<Datum, Value>(
        (k, v) => (evaluate(node.fn, { k, v }) ?? []) as [Datum, Value][],
      );
      return { kind: 'stream', stream: mapped, shape: rekeyed(shape, node.types, null) };
    }
    case 'flatMapValues': {
      const { stream, shape } = nodes.of('stream', node.from);
      const mapped: Stream = stream.flatMapValues<Value>(
        (v, k) => (evaluate(node.fn, { k, v }) ?? []) as Value[], // a list, or null for none
      );
      return { kind: 'stream', stream: mapped, shape: reshaped(shape, node.types) };
    }
    case 'setTimestamp':
      return setTimestamp(nodes.of('stream', node.from), node);
    case 'process':
    case 'processValues':
      return mapProcessor(nodes.of('stream', node.from), node);
    case 'merge': {
      const [first, ...others] = node.from.map((name) => nodes.of('stream', name));
      if (first === undefined) throw new Error(`'${node.name}' merges nothing`);
      const stream = others.reduce<Stream>((all, other) => all.merge(other.stream), first.stream);
      return { kind: 'stream', stream, shape: first.shape };
    }
    case 'repartition': {
      const { stream, shape } = nodes.of('stream', node.from);
      return { kind: 'stream', stream: stream.repartition(serdesOf(shape)), shape };
    }
    case 'toStream': {
      const { table, shape } = nodes.of('table', node.from);
      return { kind: 'stream', stream: table.toStream(), shape };
    }
    case 'toTable': {
      const { stream, shape } = nodes.of('stream', node.from);
      const table: Table = stream.toTable({ ...serdesOf(shape), ...storeOptions(node) });
      return { kind: 'table', table, shape };
    }
    case 'groupByKey': {
      const { stream, shape } = nodes.of('stream', node.from);
      return { kind: 'grouped stream', group: stream.groupByKey(serdesOf(shape)), shape };
    }
    case 'groupBy':
      return mapGroupBy(nodes.get(node.from), node);
    case 'windowedBy':
      return mapWindows(nodes.get(node.from), node);
    case 'cogroup':
      return mapCogroup(nodes, node);
    case 'count':
    case 'reduce':
    case 'aggregate':
      return mapAggregation(nodes.get(node.from), node);
    case 'suppress':
      return mapSuppress(nodes.of('table', node.from), node);
    case 'join':
      return mapJoin(nodes.get(node.left), nodes.get(node.right), node);
    case 'fkJoin':
      return mapForeignKeyJoin(nodes.of('table', node.left), nodes.of('table', node.right), node);
  }
}

function mapFilter(from: Built, node: NodeOf<'filter' | 'filterNot'>): Built {
  const predicate = (k: Datum, v: unknown): boolean => evaluate(node.pred, { k, v }) === true;
  if (from.kind === 'stream') {
    return { ...from, stream: from.stream[node.op](predicate) };
  }
  if (from.kind !== 'table') throw new NotBuilt(`${node.op} of a ${from.kind}`);
  const options =
    node.store === undefined ? {} : { ...serdesOf(from.shape), ...storeOptions(node) };
  return { ...from, table: from.table[node.op](predicate, options) };
}

function mapMapValues(from: Built, node: NodeOf<'mapValues'>): Built {
  const shape = reshaped(from.shape, node.types);
  const mapper = (v: Readonly<Value>, k: Datum): Value => evaluateValue(node.fn, { k, v });
  if (from.kind === 'stream') {
    return { kind: 'stream', stream: from.stream.mapValues(mapper), shape };
  }
  if (from.kind !== 'table') throw new NotBuilt(`mapValues of a ${from.kind}`);
  // A join by a foreign key needs the serdes, also of a table that is not kept.
  const options = { ...serdesOf(shape), ...storeOptions(node) };
  const table: Table = from.table.mapValues<Value>(mapper, options);
  return { kind: 'table', table, shape };
}

function mapGroupBy(from: Built, node: NodeOf<'groupBy'>): Built {
  const shape = rekeyed(from.shape, node.types, null);
  if (from.kind === 'stream') {
    const selector = (k: Datum, v: Readonly<Value>): Datum => evaluateDatum(node.key, { k, v });
    const group = from.stream.groupBy(selector, serdesOf(shape));
    return { kind: 'grouped stream', group, shape };
  }
  if (from.kind !== 'table') throw new NotBuilt(`groupBy of a ${from.kind}`);
  const { key, value = ['v'] } = node;
  const group = from.table.groupBy<Datum, Datum>(
    (k, v) => [evaluateDatum(key, { k, v }), evaluateDatum(value, { k, v })],
    serdesOf(shape),
  );
  return { kind: 'grouped table', group, shape };
}

function mapSuppress(
  from: BuiltOf<'table'>,
  { mode, wait = 0, buffer }: NodeOf<'suppress'>,
): Built {
  const { maxRecords, maxBytes, full } = buffer.unbounded === true ? NO_LIMIT : buffer;
  const limits = {
    ...(maxRecords === undefined ? {} : { maxRecords }),
    ...(maxBytes === undefined ? {} : { maxBytes }),
  };
  const suppressed =
    mode === 'windowCloses'
      ? Suppressed.untilWindowCloses(limits)
      : Suppressed.untilTimeLimit(wait, { ...limits, whenFull: full });
  // Whether the keys are windowed is known when the case runs, not to the compiler.
  return { ...from, table: from.table.suppress(suppressed as SuppressedUntilTimeLimit) };
}

const NO_LIMIT = { maxRecords: undefined, maxBytes: undefined, full: 'emitEarly' } as const;

function mapSplit(nodes: BuiltNodes, node: NodeOf<'split'>): void {
  const { stream, shape } = nodes.of('stream', node.from);
  let branched = stream.split({ name: `${node.name}-` });
  for (const { node: name, pred } of node.branches) {
    branched = branched.branch((k, v) => evaluate(pred, { k, v }) === true, { name });
  }
  const branches =
    node.default === undefined
      ? branched.noDefaultBranch()
      : branched.defaultBranch({ name: node.default });
  for (const [name, branch] of branches) {
    nodes.set(name.slice(node.name.length + 1), { kind: 'stream', stream: branch, shape });
  }
}

function topicsOf(node: SourceNode): string[] {
  if (node.op !== 'stream' || node.topics === undefined) {
    if (node.topic === undefined) throw new Error(`'${node.name}' names no topic`);
    return [node.topic];
  }
  return [...node.topics];
}

function typesOf({ name, types }: CaseNode): Types {
  if (types === undefined) throw new Error(`'${name}' is a source and needs types`);
  return types;
}

/** A topic does not say how long its windows are; the case's records do. */
function sourceWindowing({ inputs }: Case, node: NodeOf<'stream'>): Windowing {
  if (node.windowed === undefined) return null;
  if (node.windowed === 'session') return { kind: 'session' };
  const topics = topicsOf(node);
  for (const input of inputs) {
    if (!('topic' in input) || !topics.includes(input.topic)) continue;
    const { window } = input;
    if (typeof window?.end === 'number') return { kind: 'time', sizeMs: window.end - window.start };
  }
  throw new Error(`no input of '${node.name}' says how long its windows are`);
}

function timestampsBy(expression: Expression | undefined): {
  readonly timestampExtractor?: TimestampExtractor<Datum, Value>;
} {
  if (expression === undefined) return {};
  return {
    timestampExtractor: ({ key: k, value: v }) => Number(evaluate(expression, { k, v })),
  };
}

/** The same keys with values of other types. */
export function reshaped(shape: Shape, types: Types | undefined): Shape {
  return { ...shape, types: types ?? shape.types };
}

/** Other keys: windowed only where the key is left as it is. */
function rekeyed(shape: Shape, types: Types | undefined, key: Expression | null): Shape {
  const isSame = Array.isArray(key) && key.length === 1 && key[0] === 'k';
  return { types: types ?? shape.types, windowing: isSame ? shape.windowing : null };
}
