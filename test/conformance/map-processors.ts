import { StreamRecord } from '../../src/common/record.ts';
import type { Processor } from '../../src/processor/processor.ts';
import type { ProcessorContext } from '../../src/processor/processor-context.ts';
import type { KeyValueStore } from '../../src/state/key-value-store.ts';
import { Stores } from '../../src/state/stores.ts';
import {
  NotBuilt,
  evaluateValue,
  serdeOf,
  serdesOf,
  type Built,
  type BuiltOf,
  type Datum,
  type Value,
} from './built.ts';
import type { NodeOf, PunctuateNote } from './case.ts';
import { evaluate, type Expression } from './expression.ts';

type Context = ProcessorContext<Datum, Value>;

/** Gives each record another time, and another value where the case says so. */
export function setTimestamp(from: BuiltOf<'stream'>, node: NodeOf<'setTimestamp'>): Built {
  if (node.fixedKey === true) throw new NotBuilt('processValues');
  const stream = from.stream.process<Datum, Value>({
    create: (context) => ({
      process({ key: k, value: v, headers }) {
        const value = node.value === undefined ? v : evaluateValue(node.value, { k, v });
        const timestampMs = Number(evaluate(node.ts, { k, v }));
        context.forward(new StreamRecord(k, value, timestampMs, headers));
      },
    }),
  });
  return { ...from, stream };
}

/** A processor with a key-value store of the case's own. */
export function mapProcessor(
  { stream, shape }: BuiltOf<'stream'>,
  node: NodeOf<'process' | 'processValues'>,
): Built {
  if (node.op === 'processValues') throw new NotBuilt('processValues');
  const store = `state-${node.name}`;
  const key = serdesOf(shape).key;
  const processed = stream.process<Datum, Value>({
    stores: [Stores.keyValue<Datum, Datum>({ name: store, key, value: serdeOf(node.state) })],
    create: (context) => new CaseProcessor(context, store, node),
  });
  return {
    kind: 'stream',
    stream: processed,
    shape: { ...shape, types: node.types ?? shape.types },
  };
}

class CaseProcessor implements Processor<Datum, Value> {
  readonly #context: Context;
  readonly #states: KeyValueStore<Datum, Datum>;
  readonly #update: Expression;
  readonly #emit: Expression;

  constructor(
    context: Context,
    store: string,
    { update, emit, punctuate }: NodeOf<'process' | 'processValues'>,
  ) {
    this.#context = context;
    this.#states = context.keyValueStore<Datum, Datum>(store);
    this.#update = update;
    this.#emit = emit;
    if (punctuate === undefined) return;
    context.schedule(
      punctuate.interval,
      punctuate.type === 'streamTime' ? 'stream-time' : 'wall-clock',
      (timestampMs) => this.#punctuate(punctuate, timestampMs),
    );
  }

  process(record: StreamRecord<Datum, Value>): void {
    const { key: k, value: v, timestampMs: ts } = record;
    if ((k as Value) === null) return; // a topic can hold null keys, whatever its type says
    const a = evaluateValue(this.#update, { k, v, a: this.#states.get(k), ts });
    this.#states.put(k, a);
    for (const value of listOf(evaluate(this.#emit, { k, v, a, ts }))) {
      this.#context.forward(record.withValue(value));
    }
  }

  async #punctuate({ emit, update }: PunctuateNote, ts: number): Promise<void> {
    const states: (readonly [Datum, Datum])[] = [];
    for await (const entry of this.#states.all()) states.push(entry);
    for (const [k, a] of states) {
      if (emit !== undefined) {
        for (const value of listOf(evaluate(emit, { k, a, ts }))) {
          this.#context.forward(new StreamRecord(k, value, ts));
        }
      }
      if (update !== undefined) this.#states.put(k, evaluateValue(update, { k, a, ts }));
    }
  }
}

/** A list of values; null for none. */
function listOf(value: unknown): readonly Value[] {
  return (value ?? []) as Value[];
}
