import type { Api, Complete } from '../../wire/api.ts';
import type { Reader } from '../../wire/reader.ts';
import { Writer } from '../../wire/writer.ts';

/** What a handler knows beside the request. */
export interface RequestContext {
  readonly node: number;
  readonly clientId: string;
  readonly version: number;
  /** Aborts when the connection is gone: nobody waits for a parked answer any more. */
  readonly signal: AbortSignal;
}

/** Answers one request; null: there is no answer, and there will be none. */
export type Handler<Req, Res> = (
  request: Complete<Req>,
  context: RequestContext,
) => Res | null | Promise<Res | null>;

/** One API as a broker serves it. */
export interface ServedApi {
  readonly key: number;
  readonly name: string;
  readonly minVersion: number;
  readonly maxVersion: number;
  readonly flexibleFrom: number;
  /** Reads a request for the faults to look at. `STREAMS_CORRUPT_MESSAGE` where it cannot be read. */
  parse(body: Reader, version: number): unknown;
  /** The body of the answer to what `parse` gave. */
  serve(request: unknown, context: RequestContext): Promise<Uint8Array | null>;
}

export function serve<Req, Res>(
  api: Api<Req, Res>,
  handler: Handler<Req, Res>,
  maxVersion = api.maxVersion,
): ServedApi {
  const { key, name, minVersion, flexibleFrom } = api;
  return {
    key,
    name,
    minVersion,
    maxVersion,
    flexibleFrom,
    parse: (body, version) => api.readRequest(body, version),
    async serve(request, context) {
      // It is what `parse` of the same API has read.
      const response = await handler(request as Complete<Req>, context);
      if (response === null) return null;
      const writer = new Writer();
      api.writeResponse(writer, context.version, response);
      return writer.finish();
    },
  };
}
