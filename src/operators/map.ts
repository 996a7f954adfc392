import { StreamsError } from '../common/errors.ts';
import { StreamRecord } from '../common/record.ts';
import type { ProcessorContext } from '../processor/processor-context.ts';
import type { Processor } from '../processor/processor.ts';
import type { CreateOperator } from './operator.ts';
import { returned } from './returned.ts';

/** What a mapper makes of a record. */
export type KeyValue<K, V> = readonly [key: K, value: V];
export type KeyValueMapper<K, V, KR, VR> = (key: K, value: V) => KeyValue<KR, VR>;

/** Gives every record another key and value; timestamp and headers stay. */
export function map<K, V, KR, VR>(
  mapper: KeyValueMapper<K, V, KR, VR>,
): CreateOperator<K, V, KR, VR> {
  return (context) => new MapRecord(context, mapper);
}

class MapRecord<K, V, KR, VR> implements Processor<K, V> {
  readonly #context: ProcessorContext<KR, VR>;
  readonly #mapper: KeyValueMapper<K, V, KR, VR>;

  constructor(context: ProcessorContext<KR, VR>, mapper: KeyValueMapper<K, V, KR, VR>) {
    this.#context = context;
    this.#mapper = mapper;
  }

  process(record: StreamRecord<K, V>): void {
    const pair = checkedPair(this.#mapper(record.key, record.value), 'mapper of map()');
    const [key, value] = pair;
    this.#context.forward(new StreamRecord(key, value, record.timestampMs, record.headers));
  }
}

/** Errors: `STREAMS_PROCESSING` for anything but `[key, value]`, null included, as in Kafka Streams. */
export function checkedPair<K, V>(pair: KeyValue<K, V>, fn: string): KeyValue<K, V> {
  returned(pair, fn);
  const length: number = Array.isArray(pair) ? pair.length : 0;
  if (length !== 2) {
    throw new StreamsError('STREAMS_PROCESSING', `the ${fn} must return [key, value]`);
  }
  returned(pair[0], `key from the ${fn}`);
  returned(pair[1], `value from the ${fn}`);
  return pair;
}
