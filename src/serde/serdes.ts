import { booleanSerde } from './boolean-serde.ts';
import { bytesSerde } from './bytes-serde.ts';
import { jsonSerde, type JsonSerdeOptions } from './json-serde.ts';
import { bigintSerde, doubleSerde, intSerde, longSerde } from './number-serdes.ts';
import type { Serde } from './serde.ts';
import { SessionWindowedSerde } from './session-windowed-serde.ts';
import { stringSerde } from './string-serde.ts';
import { TimeWindowedSerde, type TimeWindowedOptions } from './time-windowed-serde.ts';
import { uuidSerde } from './uuid-serde.ts';

/** The serdes that come with the library. Their bytes are those of Java's serdes of the same names; JSON is ours. */
export const serdes = {
  string: stringSerde,
  /** A number in 4 bytes. */
  int: intSerde,
  /** A number in 8 bytes; refuses what a number cannot hold exactly. What `count()` writes. */
  long: longSerde,
  /** The bytes of `long` as a bigint. */
  bigint: bigintSerde,
  double: doubleSerde,
  boolean: booleanSerde,
  bytes: bytesSerde,
  uuid: uuidSerde,
  json: <T>(options?: JsonSerdeOptions): Serde<T> => jsonSerde<T>(options),
  /** Keys of windowed aggregations. */
  timeWindowed: <K>(inner: Serde<K>, options: TimeWindowedOptions): TimeWindowedSerde<K> =>
    new TimeWindowedSerde(inner, options),
  /** Keys of sessions. */
  sessionWindowed: <K>(inner: Serde<K>): SessionWindowedSerde<K> => new SessionWindowedSerde(inner),
} as const;
