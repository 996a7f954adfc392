import { booleanSerde } from './boolean-serde.ts';
import { bytesSerde } from './bytes-serde.ts';
import { jsonSerde, type JsonSerdeOptions } from './json-serde.ts';
import { listSerde } from './list-serde.ts';
import {
  bigintSerde,
  doubleSerde,
  floatSerde,
  intSerde,
  longSerde,
  shortSerde,
} from './number-serdes.ts';
import { schemaJsonSerde } from './schema-json-serde.ts';
import type { Serde } from './serde.ts';
import { SessionWindowedSerde } from './session-windowed-serde.ts';
import type { StandardSchema } from './standard-schema.ts';
import { stringSerde } from './string-serde.ts';
import { TimeWindowedSerde, type TimeWindowedOptions } from './time-windowed-serde.ts';
import { uuidSerde } from './uuid-serde.ts';
import { voidSerde } from './void-serde.ts';

function json<Input, Output extends Input>(
  schema: StandardSchema<Input, Output>,
  options?: JsonSerdeOptions,
): Serde<Output>;
function json<T>(options?: JsonSerdeOptions): Serde<T>;
function json(
  schemaOrOptions: StandardSchema | JsonSerdeOptions = {},
  options: JsonSerdeOptions = {},
): Serde<unknown> {
  return '~standard' in schemaOrOptions
    ? schemaJsonSerde(schemaOrOptions, options)
    : jsonSerde(schemaOrOptions);
}

/** The serdes that come with the library. Their bytes are those of Java's serdes of the same names; JSON is ours. */
export const serdes = {
  string: stringSerde,
  /** A number in 2 bytes. */
  short: shortSerde,
  /** A number in 4 bytes. */
  int: intSerde,
  /** A number in 8 bytes; refuses what a number cannot hold exactly. What `count()` writes. */
  long: longSerde,
  /** The bytes of `long` as a bigint. */
  bigint: bigintSerde,
  /** A number in 4 bytes, rounded. */
  float: floatSerde,
  double: doubleSerde,
  boolean: booleanSerde,
  /** Those of Java's `Bytes`, `ByteArray` and `ByteBuffer`. */
  bytes: bytesSerde,
  uuid: uuidSerde,
  /** For what is always null. */
  void: voidSerde,
  /** Lists of what another serde writes: `serdes.list(serdes.string)`; of `T | null` where that is said. */
  list: listSerde,
  /** JSON, believed (`serdes.json<Order>()`) or checked by a schema of zod, valibot, arktype…: `serdes.json(schema)`. */
  json,
  /** Keys of windowed aggregations. */
  timeWindowed: <K>(inner: Serde<K>, options: TimeWindowedOptions): TimeWindowedSerde<K> =>
    new TimeWindowedSerde(inner, options),
  /** Keys of sessions. */
  sessionWindowed: <K>(inner: Serde<K>): SessionWindowedSerde<K> => new SessionWindowedSerde(inner),
} as const;
