import { StreamRecord } from '../../src/common/record.ts';
import type { ProcessingContext } from '../../src/processor/processor-context.ts';
import type { KeyValueStore } from '../../src/state/key-value-store.ts';
import { Stores } from '../../src/state/stores.ts';
import {
  evaluateValue,
  serdeOf,
  serdesOf,
  type Built,
  type BuiltOf,
  type Datum,
  type Value,
} from './built.ts';
import type { NodeOf, PunctuateNote } from './case.ts';
import { evaluate } from './expression.ts';

type CaseRecord = Pick<StreamRecord<Datum, Value>, 'key' | 'value' | 'timestampMs'>;

/** Gives each record another time, and another value where the case says so. */
export function setTimestamp(from: BuiltOf<'stream'>, node: NodeOf<'setTimestamp'>): Built {
  const valueOf = (k: Datum, v: Value): Value =>
    node.value === undefined ? v : evaluateValue(node.value, { k, v });
  const timeOf = (k: Datum, v: Value): number => Number(evaluate(node.ts, { k, v }));
  if (node.fixedKey === true) {
    const stream = from.stream.processValues<Value>({
      create: (context) => ({
        process(record) {
          const { key, value } = record;
          const timestampMs = timeOf(key, value);
          context.forward(record.withValue(valueOf(key, value)).withTimestamp(timestampMs));
        },
      }),
    });
    return { ...from, stream };
  }
  const stream = from.stream.process<Datum, Value>({
    create: (context) => ({
      process({ key, value, headers }) {
        const timestampMs = timeOf(key, value);
        context.forward(new StreamRecord(key, valueOf(key, value), timestampMs, headers));
      },
    }),
  });
  return { ...from, stream };
}

/** A processor with a key-value store of the case's own. */
export function mapProcessor(
  from: BuiltOf<'stream'>,
  node: NodeOf<'process' | 'processValues'>,
): Built {
  const store = `state-${node.name}`;
  const key = serdesOf(from.shape).key;
  const stores = [Stores.keyValue<Datum, Datum>({ name: store, key, value: serdeOf(node.state) })];
  const stream =
    node.op === 'process'
      ? from.stream.process<Datum, Value>({
          stores,
          create: (context) => {
            const states = new CaseStates(context, store, node);
            states.punctuate((k, value, ts) => {
              context.forward(new StreamRecord(k, value, ts));
            });
            return {
              process(record) {
                for (const value of states.update(record)) context.forward(record.withValue(value));
              },
            };
          },
        })
      : from.stream.processValues<Value>({
          stores,
          create: (context) => {
            const states = new CaseStates(context, store, node);
            states.punctuate(null);
            return {
              process(record) {
                for (const value of states.update(record)) context.forward(record.withValue(value));
              },
            };
          },
        });
  const shape = { ...from.shape, types: node.types ?? from.shape.types };
  return { kind: 'stream', stream, shape };
}

type Forward = (key: Datum, value: Value, timestampMs: number) => void;

/** The states that a case's processor keeps, and what it forwards when they change. */
class CaseStates {
  readonly #context: ProcessingContext;
  readonly #states: KeyValueStore<Datum, Datum>;
  readonly #node: NodeOf<'process' | 'processValues'>;

  constructor(
    context: ProcessingContext,
    store: string,
    node: NodeOf<'process' | 'processValues'>,
  ) {
    this.#context = context;
    this.#states = context.keyValueStore<Datum, Datum>(store);
    this.#node = node;
  }

  /** Gives the values to forward for a record. */
  update({ key: k, value: v, timestampMs: ts }: CaseRecord): readonly Value[] {
    if ((k as Value) === null) return []; // a topic can hold null keys, whatever its type says
    const { update, emit } = this.#node;
    const a = evaluateValue(update, { k, v, a: this.#states.get(k), ts });
    this.#states.put(k, a);
    return listOf(evaluate(emit, { k, v, a, ts }));
  }

  /** Punctuates as the case says; a fixed-key processor has no record to forward then. */
  punctuate(forward: Forward | null): void {
    const { punctuate } = this.#node;
    if (punctuate === undefined) return;
    this.#context.schedule(
      punctuate.interval,
      punctuate.type === 'streamTime' ? 'stream-time' : 'wall-clock',
      (ts) => this.#punctuate(punctuate, ts, forward),
    );
  }

  async #punctuate(
    { emit, update }: PunctuateNote,
    ts: number,
    forward: Forward | null,
  ): Promise<void> {
    const states: (readonly [Datum, Datum])[] = [];
    for await (const entry of this.#states.all()) states.push(entry);
    for (const [k, a] of states) {
      if (emit !== undefined && forward !== null) {
        for (const value of listOf(evaluate(emit, { k, a, ts }))) forward(k, value, ts);
      }
      if (update !== undefined) this.#states.put(k, evaluateValue(update, { k, a, ts }));
    }
  }
}

/** A list of values; null for none. */
function listOf(value: unknown): readonly Value[] {
  return (value ?? []) as Value[];
}
