import { SessionWindows } from '../../src/common/session-windows.ts';
import { SlidingWindows } from '../../src/common/sliding-windows.ts';
import { TimeWindows } from '../../src/common/time-windows.ts';
import { UnlimitedWindows } from '../../src/common/unlimited-windows.ts';
import type { AnyTimeWindows } from '../../src/dsl/window-plan.ts';
import type { BuiltNodes } from './built-nodes.ts';
import {
  asTable,
  evaluateDatum,
  evaluateValue,
  serdeOf,
  type Built,
  type BuiltOf,
  type Datum,
  type Value,
  type Windowing,
} from './built.ts';
import type { NodeOf, WindowNote } from './case.ts';
import type { Expression } from './expression.ts';
import { storeOptions } from './store-options.ts';

type AggregationNode = NodeOf<'count' | 'reduce' | 'aggregate'>;

export function mapAggregation(from: Built, node: AggregationNode): Built {
  const types = node.types ?? from.shape.types;
  const table = asTable(aggregated(from, node));
  return { kind: 'table', table, shape: { types, windowing: windowingOf(from) } };
}

function windowingOf(from: Built): Windowing {
  switch (from.kind) {
    case 'windowed stream':
    case 'windowed cogroup':
      return from.windowing;
    case 'session stream':
    case 'session cogroup':
      return { kind: 'session' };
    default:
      return null;
  }
}

function aggregated(from: Built, node: AggregationNode): object {
  switch (from.kind) {
    case 'grouped stream':
    case 'windowed stream':
      return aggregateStream(from, node);
    case 'session stream':
      return aggregateSessions(from, node);
    case 'grouped table':
      return aggregateTable(from, node);
    case 'cogroup':
    case 'windowed cogroup':
    case 'session cogroup':
      return aggregateCogroup(from, node);
    case 'stream':
    case 'table':
    case 'global table':
      throw new Error(`'${node.name}' aggregates a ${from.kind}, which is not grouped`);
  }
}

function aggregateStream(
  { group, shape }: BuiltOf<'grouped stream' | 'windowed stream'>,
  node: AggregationNode,
): object {
  const [keyType, valueType] = node.types ?? shape.types;
  const key = serdeOf(keyType);
  const options = { key, value: serdeOf(valueType), ...storeOptions(node) };
  switch (node.op) {
    case 'count':
      return group.count({ key, ...storeOptions(node) });
    case 'reduce':
      return group.reduce(reducer(node.adder), options);
    case 'aggregate':
      return group.aggregate(initializer(node.init), aggregator(node.adder ?? null), options);
  }
}

function aggregateTable({ group, shape }: BuiltOf<'grouped table'>, node: AggregationNode): object {
  const [keyType, valueType] = node.types ?? shape.types;
  const options = {
    key: serdeOf(keyType),
    value: serdeOf(valueType),
    ...storeOptions(node),
  };
  switch (node.op) {
    case 'count':
      return group.count(storeOptions(node));
    case 'reduce':
      return group.reduce(reducer(node.adder), reducer(node.subtractor ?? null), options);
    case 'aggregate':
      return group.aggregate(
        initializer(node.init),
        aggregator(node.adder ?? null),
        aggregator(node.subtractor ?? null),
        options,
      );
  }
}

function aggregateSessions(
  { group, shape }: BuiltOf<'session stream'>,
  node: AggregationNode,
): object {
  const [keyType, valueType] = node.types ?? shape.types;
  const key = serdeOf(keyType);
  const options = { key, value: serdeOf(valueType), ...storeOptions(node) };
  switch (node.op) {
    case 'count':
      return group.count({ key, ...storeOptions(node) });
    case 'reduce':
      return group.reduce(reducer(node.adder), options);
    case 'aggregate': {
      const { init, adder = null } = node;
      return group.aggregate(initializer(init), aggregator(adder), merger(node), options);
    }
  }
}

function aggregateCogroup(
  from: BuiltOf<'cogroup' | 'windowed cogroup' | 'session cogroup'>,
  node: AggregationNode,
): object {
  if (node.op !== 'aggregate') throw new Error(`'${node.name}' is a ${node.op} of a cogroup`);
  const [keyType, valueType] = node.types ?? from.shape.types;
  const options = { key: serdeOf(keyType), value: serdeOf(valueType), ...storeOptions(node) };
  const init = initializer(node.init);
  return from.kind === 'session cogroup'
    ? from.group.aggregate(init, merger(node), options)
    : from.group.aggregate(init, options);
}

export function mapWindows(from: Built, { window, emit }: NodeOf<'windowedBy'>): Built {
  if (from.kind !== 'grouped stream' && from.kind !== 'cogroup') {
    throw new Error(`windows of a ${from.kind}, which is not grouped`);
  }
  const { shape } = from;
  if (window.type === 'session') {
    const windows = SessionWindows.of(window);
    if (from.kind === 'cogroup') {
      return { kind: 'session cogroup', group: from.group.windowedBy(windows), shape };
    }
    const group = from.group.windowedBy(windows).emitStrategy(emit ?? 'onWindowUpdate');
    return { kind: 'session stream', group, shape };
  }
  const windows = timeWindows(window);
  const sizeMs = windows instanceof SlidingWindows ? windows.differenceMs : windows.sizeMs;
  const windowing: Windowing = { kind: 'time', sizeMs };
  if (from.kind === 'cogroup') {
    return { kind: 'windowed cogroup', group: from.group.windowedBy(windows), shape, windowing };
  }
  const group = from.group.windowedBy(windows).emitStrategy(emit ?? 'onWindowUpdate');
  return { kind: 'windowed stream', group, shape, windowing };
}

function timeWindows(window: Exclude<WindowNote, { readonly type: 'session' }>): AnyTimeWindows {
  switch (window.type) {
    case 'tumbling':
    case 'hopping':
      return TimeWindows.of(window);
    case 'sliding':
      return SlidingWindows.of({ timeDifference: window.diff, grace: window.grace });
    case 'unlimited':
      return UnlimitedWindows.of({ startMs: window.start ?? 0 });
  }
}

export function mapCogroup(nodes: BuiltNodes, node: NodeOf<'cogroup'>): Built {
  const [first, ...others] = node.from;
  if (first === undefined) throw new Error(`'${node.name}' groups nothing`);
  const { group: begin, shape } = nodes.of('grouped stream', first.from);
  let group = begin.cogroup<Datum>(aggregator(first.adder));
  for (const { from, adder } of others) {
    group = group.cogroup(nodes.of('grouped stream', from).group, aggregator(adder));
  }
  return { kind: 'cogroup', group, shape: { ...shape, types: node.types ?? shape.types } };
}

function reducer(expression: Expression): (l: Datum, r: Readonly<Value>) => Value {
  return (l, r) => evaluateValue(expression, { l, r });
}

function initializer(expression: Expression): () => Datum {
  return () => evaluateDatum(expression, {});
}

function aggregator(expression: Expression): (k: Datum, v: Readonly<Value>, a: Datum) => Value {
  return (k, v, a) => evaluateValue(expression, { k, v, a });
}

function merger({ merger = null }: NodeOf<'aggregate'>): (k: Datum, l: Datum, r: Datum) => Datum {
  return (k, l, r) => evaluateDatum(merger, { k, l, r });
}
