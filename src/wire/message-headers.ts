import type { Reader } from './reader.ts';
import type { Writer } from './writer.ts';

/** What stands before the body of each request. */
export interface RequestHeader {
  readonly apiKey: number;
  readonly version: number;
  readonly correlationId: number;
  readonly clientId: string | null;
}

/**
 * Reads the header of a request; the body begins at `reader.at`. `isFlexible` says of an API and version whether a tag
 * section ends the header, which only the broker can know. The client id has a plain length in every version.
 */
export function readRequestHeader(
  reader: Reader,
  isFlexible: (apiKey: number, version: number) => boolean,
): RequestHeader {
  reader.begin('request header', 1, false);
  const apiKey = reader.int16('apiKey');
  const version = reader.int16('version');
  const correlationId = reader.int32('correlationId');
  const clientId = reader.nullableString('clientId');
  if (isFlexible(apiKey, version)) {
    reader.begin('request header', 2, true);
    reader.skipTags();
  }
  return { apiKey, version, correlationId, clientId };
}

export function writeRequestHeader(
  writer: Writer,
  { apiKey, version, correlationId, clientId }: RequestHeader,
  isFlexible: boolean,
): void {
  writer.begin(false);
  writer.int16(apiKey);
  writer.int16(version);
  writer.int32(correlationId);
  writer.nullableString(clientId);
  writer.begin(isFlexible);
  writer.noTags();
}

/** Reads the header of an answer, of which only the correlation id means anything. */
export function readResponseHeader(reader: Reader, isFlexible: boolean): number {
  reader.begin('response header', isFlexible ? 1 : 0, isFlexible);
  const correlationId = reader.int32('correlationId');
  reader.skipTags();
  return correlationId;
}

export function writeResponseHeader(
  writer: Writer,
  correlationId: number,
  isFlexible: boolean,
): void {
  writer.begin(isFlexible);
  writer.int32(correlationId);
  writer.noTags();
}
