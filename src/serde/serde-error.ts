import { StreamsError } from '../common/errors.ts';
import type { SerdeSite } from './serde.ts';

/** What a serde throws for a value that it cannot write. */
export function unserializable(site: SerdeSite, message: string, cause?: unknown): StreamsError {
  return new StreamsError('STREAMS_SERIALIZATION', `${partOf(site)}: ${message}`, {
    site: { topic: site.topic },
    cause,
  });
}

/** What a serde throws for bytes that it cannot read. */
export function undecodable(site: SerdeSite, message: string, cause?: unknown): StreamsError {
  return new StreamsError('STREAMS_DESERIALIZATION', `${partOf(site)}: ${message}`, {
    site: { topic: site.topic },
    cause,
  });
}

function partOf(site: SerdeSite): string {
  return site.isKey ? 'key' : 'value';
}
