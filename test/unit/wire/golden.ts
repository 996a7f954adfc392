import { readFileSync } from 'node:fs';
import type { Api, Schema } from '../../../src/wire/api.ts';
import * as messages from '../../../src/wire/messages/index.ts';
import { Reader } from '../../../src/wire/reader.ts';
import { Writer } from '../../../src/wire/writer.ts';

/** What Kafka's own classes wrote for one version of a message (test/golden/java). */
export interface GoldenMessage {
  readonly version: number;
  readonly kind: 'default' | 'random' | 'unknown-tag';
  readonly bytes: string;
}

/** One direction of an API, or a schema, with its types forgotten: the tests treat all messages alike. */
export interface Codec {
  readonly name: string;
  readonly minVersion: number;
  readonly maxVersion: number;
  read(bytes: Uint8Array, version: number): unknown;
  write(value: unknown, version: number): Uint8Array;
}

type AnyApi = Api<unknown, unknown>;

/** Every message that we speak: `FetchRequest`, `FetchResponse`, …, `ConsumerProtocolAssignment`. */
export const CODECS: readonly Codec[] = Object.values(messages).flatMap((message) =>
  // Which of the generated types a value has is what these tests ask the bytes.
  'key' in message
    ? [requestCodec(message as AnyApi), responseCodec(message as AnyApi)]
    : [schemaCodec(message as Schema<unknown>)],
);

export function goldenJson(name: string): unknown {
  return JSON.parse(
    readFileSync(new URL(`../../golden/wire/${name}.json`, import.meta.url), 'utf8'),
  );
}

export function goldenMessages(name: string): readonly GoldenMessage[] {
  return goldenJson(name) as GoldenMessage[];
}

export function bytesOf(base64: string): Uint8Array {
  return new Uint8Array(Buffer.from(base64, 'base64'));
}

function requestCodec(api: AnyApi): Codec {
  return {
    ...api,
    name: `${api.name}Request`,
    read: (bytes, version) => readAll(bytes, (reader) => api.readRequest(reader, version)),
    write: (value, version) =>
      written((writer) => {
        api.writeRequest(writer, version, value);
      }),
  };
}

function responseCodec(api: AnyApi): Codec {
  return {
    ...api,
    name: `${api.name}Response`,
    read: (bytes, version) => readAll(bytes, (reader) => api.readResponse(reader, version)),
    write: (value, version) =>
      written((writer) => {
        api.writeResponse(writer, version, value);
      }),
  };
}

function schemaCodec(schema: Schema<unknown>): Codec {
  return {
    ...schema,
    read: (bytes, version) => readAll(bytes, (reader) => schema.read(reader, version)),
    write: (value, version) =>
      written((writer) => {
        schema.write(writer, version, value);
      }),
  };
}

function readAll(bytes: Uint8Array, read: (reader: Reader) => unknown): unknown {
  const reader = new Reader(bytes);
  const value = read(reader);
  reader.expectEnd();
  return value;
}

function written(write: (writer: Writer) => void): Uint8Array {
  const writer = new Writer(1); // every growth of the buffer happens
  write(writer);
  return writer.finish();
}
