import type { Complete, Schema } from './api.ts';
import type { ConsumerProtocolAssignment, ConsumerProtocolSubscription } from './messages/index.ts';
import { consumerProtocolAssignment, consumerProtocolSubscription } from './messages/index.ts';
import { Reader } from './reader.ts';
import { Writer } from './writer.ts';

/**
 * What members of a group of type `consumer` say to each other inside JoinGroup and SyncGroup: a version, then the message. The
 * coordinator parses the subscription, and never answers the JoinGroup when it cannot: always write it with this.
 */
export function encodeSubscription(value: ConsumerProtocolSubscription): Uint8Array {
  return encode(consumerProtocolSubscription, value);
}

/** `STREAMS_CORRUPT_MESSAGE` for what is not a subscription. One of a newer version is read as far as we know it. */
export function decodeSubscription(bytes: Uint8Array): Complete<ConsumerProtocolSubscription> {
  return decode(consumerProtocolSubscription, bytes);
}

export function encodeAssignment(value: ConsumerProtocolAssignment): Uint8Array {
  return encode(consumerProtocolAssignment, value);
}

/** As `decodeSubscription`. The coordinator hands out zero bytes when the leader has assigned nothing: ask first. */
export function decodeAssignment(bytes: Uint8Array): Complete<ConsumerProtocolAssignment> {
  return decode(consumerProtocolAssignment, bytes);
}

function encode<T>(schema: Schema<T>, value: T): Uint8Array {
  const writer = new Writer();
  writer.int16(schema.maxVersion);
  schema.write(writer, schema.maxVersion, value);
  return writer.finish();
}

function decode<T>(schema: Schema<T>, bytes: Uint8Array): Complete<T> {
  const reader = new Reader(bytes);
  reader.begin(schema.name, 0, false);
  const version = reader.int16('version');
  if (version < schema.minVersion) throw reader.corrupt('version', `${version}`);
  // Newer versions only add fields behind those that we know.
  return schema.read(reader, Math.min(version, schema.maxVersion));
}
