import { StreamsError, invariant } from '../common/errors.ts';
import type { Reader } from './reader.ts';
import type { Writer } from './writer.ts';

/** A message as it is read: fields that a caller may leave out when writing are there, with their defaults. */
export type Complete<T> = T extends Uint8Array
  ? T
  : T extends readonly (infer E)[]
    ? readonly Complete<E>[]
    : T extends object
      ? { readonly [K in keyof T]-?: Complete<Exclude<T[K], undefined>> }
      : T;

/** What is fixed about an API: its key and the versions that we speak, which may be fewer than Kafka has. */
export interface ApiVersionRange {
  readonly key: number;
  readonly name: string;
  readonly minVersion: number;
  readonly maxVersion: number;
  /**
   * From this version on strings and arrays are compact, the request header is version 2 and the response header
   * version 1 (a tag section after the correlation id), except for ApiVersions, whose response header stays 0.
   */
  readonly flexibleFrom: number;
}

/**
 * One API of the broker, in both directions. `messages/` holds one for each, generated from Kafka's schemas.
 *
 * Writing: a field that has a default in Kafka's schema, or that some of the versions lack, may be left out. A value other
 * than the default for a field that the version lacks, and that Kafka does not mark as ignorable, is
 * `STREAMS_BROKER_UNSUPPORTED`; so is null where the version has no null. In responses such fields are left out silently.
 * Reading: every field is there; those that the version lacks have their default. Unknown tagged fields are skipped.
 * A version that we do not speak is an invariant: negotiate first.
 */
export interface Api<Req, Res> extends ApiVersionRange {
  writeRequest(writer: Writer, version: number, request: Req): void;
  readRequest(reader: Reader, version: number): Complete<Req>;
  writeResponse(writer: Writer, version: number, response: Res): void;
  readResponse(reader: Reader, version: number): Res;
}

/** What the generated code knows of an API; `defineApi` adds what is the same for all. */
export interface ApiDefinition<Req, Res> extends ApiVersionRange {
  readonly writeRequest: (writer: Writer, version: number, request: Req) => void;
  readonly readRequest: (reader: Reader, version: number) => Complete<Req>;
  readonly writeResponse: (writer: Writer, version: number, response: Res) => void;
  readonly readResponse: (reader: Reader, version: number) => Res;
}

export function defineApi<Req, Res>(definition: ApiDefinition<Req, Res>): Api<Req, Res> {
  const { key, name, minVersion, maxVersion, flexibleFrom } = definition;
  const isFlexible = (version: number): boolean => {
    checkVersion(definition, version);
    return version >= flexibleFrom;
  };
  return {
    key,
    name,
    minVersion,
    maxVersion,
    flexibleFrom,
    writeRequest(writer, version, request) {
      writer.begin(isFlexible(version));
      definition.writeRequest(writer, version, request);
    },
    readRequest(reader, version) {
      reader.begin(`${name} request`, version, isFlexible(version));
      return definition.readRequest(reader, version);
    },
    writeResponse(writer, version, response) {
      writer.begin(isFlexible(version));
      definition.writeResponse(writer, version, response);
    },
    readResponse(reader, version) {
      reader.begin(`${name} response`, version, isFlexible(version));
      return definition.readResponse(reader, version);
    },
  };
}

/** A message that travels inside another one as bytes, without flexible versions. */
export interface Schema<T> {
  readonly name: string;
  readonly minVersion: number;
  readonly maxVersion: number;
  write(writer: Writer, version: number, value: T): void;
  read(reader: Reader, version: number): Complete<T>;
}

export function defineSchema<T>(definition: Schema<T>): Schema<T> {
  const { name, minVersion, maxVersion } = definition;
  return {
    name,
    minVersion,
    maxVersion,
    write(writer, version, value) {
      checkVersion(definition, version);
      writer.begin(false);
      definition.write(writer, version, value);
    },
    read(reader, version) {
      checkVersion(definition, version);
      reader.begin(name, version, false);
      return definition.read(reader, version);
    },
  };
}

type VersionRange = Pick<ApiVersionRange, 'name' | 'minVersion' | 'maxVersion'>;

function checkVersion({ name, minVersion, maxVersion }: VersionRange, version: number): void {
  invariant(
    version >= minVersion && version <= maxVersion,
    `${name} is spoken in versions ${minVersion} to ${maxVersion}, not ${version}`,
  );
}

/** The error for a field that the negotiated version cannot carry, or not as null. */
export function unsupportedField(message: string, version: number, field: string): StreamsError {
  return new StreamsError(
    'STREAMS_BROKER_UNSUPPORTED',
    `${message} v${version} cannot carry this value of ${field}; a newer broker is needed`,
    { site: { api: `${message} v${version}` } },
  );
}

/** Narrows away null for a version of the message that has no null there. */
export function notNull<T>(value: T | null, message: string, version: number, field: string): T {
  if (value === null) throw unsupportedField(message, version, field);
  return value;
}
