import type { StreamsError } from '../common/errors.ts';
import { jsonSerde, type JsonSerdeOptions } from './json-serde.ts';
import type { Serde, SerdeSite } from './serde.ts';
import { undecodable, unserializable } from './serde-error.ts';
import { describeIssues, type StandardSchema } from './standard-schema.ts';

type Problem = (site: SerdeSite, message: string, cause?: unknown) => StreamsError;

/**
 * JSON that a schema has checked: what does not fit it is neither written nor read. What is read is what the schema
 * makes of the bytes, with its defaults filled in; what is written is the value as it is.
 *
 * Errors: `STREAMS_SERIALIZATION` and `STREAMS_DESERIALIZATION`, with every issue and its path; also for a schema that
 * validates asynchronously.
 */
export function schemaJsonSerde<Input, Output extends Input>(
  schema: StandardSchema<Input, Output>,
  options: JsonSerdeOptions = {},
): Serde<Output> {
  const json = jsonSerde<unknown>(options);
  const check = (value: unknown, site: SerdeSite, problem: Problem): Output => {
    const { validate, vendor } = schema['~standard'];
    const result = validate(value);
    if (result instanceof Promise) {
      throw problem(
        site,
        `this ${vendor} schema validates asynchronously, which a serde cannot wait for: take out its async checks, and ` +
          'make them in an async Processor',
      );
    }
    if (result.issues === undefined) return result.value;
    throw problem(site, `the value does not fit its schema: ${describeIssues(result.issues)}`);
  };
  return {
    serialize(value, site) {
      check(value, site, unserializable);
      return json.serialize(value, site);
    },
    deserialize: (bytes, site) => check(json.deserialize(bytes, site), site, undecodable),
    deserializeAt: (buffer, start, end, site) =>
      check(json.deserialize(buffer.subarray(start, end), site), site, undecodable),
  };
}
