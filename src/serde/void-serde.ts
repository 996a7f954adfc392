import type { Serde } from './serde.ts';
import { undecodable, unserializable } from './serde-error.ts';

/** For keys or values that are always null, as Java's `VoidSerializer`: null has no bytes, and nothing else is written. */
export const voidSerde: Serde<null> = {
  serialize(value: unknown, site) {
    throw unserializable(site, `${String(value)} is not null, which is all that serdes.void takes`);
  },
  deserialize(bytes, site) {
    throw undecodable(site, `there are ${bytes.length} bytes where serdes.void reads null alone`);
  },
  immutable: true,
};
