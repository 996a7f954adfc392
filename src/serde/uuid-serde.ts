import type { Serde, SerdeSite } from './serde.ts';
import { undecodable, unserializable } from './serde-error.ts';
import { decodeUtf8, encodeUtf8 } from './utf8.ts';

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** The 36 characters of a UUID in lower case, as Java's `UUIDSerializer`. Upper case is written in lower. */
export const uuidSerde: Serde<string> = {
  serialize(value, site) {
    const text = value.toLowerCase();
    if (UUID.test(text)) return encodeUtf8(text);
    throw unserializable(site, `'${value}' is no UUID`);
  },
  deserialize: (bytes, site) => readUuid(bytes, 0, bytes.length, site),
  deserializeAt: readUuid,
  immutable: true,
  identity: (value) => value.toLowerCase(),
};

function readUuid(buffer: Uint8Array, start: number, end: number, site: SerdeSite): string {
  const text = decodeUtf8(buffer, start, end).toLowerCase();
  if (UUID.test(text)) return text;
  throw undecodable(site, 'these bytes are not the 36 characters of a UUID');
}
