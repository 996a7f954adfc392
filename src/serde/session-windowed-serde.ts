import { copyBytes } from '../common/byte-pool.ts';
import { readInt64, writeInt64 } from '../common/bytes.ts';
import { Windowed } from '../common/windowed.ts';
import type { Serde, SerdeSite } from './serde.ts';
import { undecodable } from './serde-error.ts';

const BOUNDS_BYTES = 16;

/**
 * Keys of sessions as Kafka Streams writes them to topics, both bounds included:
 *
 *     key ++ int64 end, big-endian ++ int64 start
 *
 * A class, so that a sink can see it and choose the partition by `inner` alone, as for `TimeWindowedSerde`.
 * Source: `SessionWindowedSerializer`, `SessionKeySchema`.
 */
export class SessionWindowedSerde<K> implements Serde<Windowed<K>> {
  readonly inner: Serde<K>;

  constructor(inner: Serde<K>) {
    this.inner = inner;
  }

  serialize(windowed: Windowed<K>, site: SerdeSite): Uint8Array {
    const key = this.inner.serialize(windowed.key, site);
    const bytes = new Uint8Array(key.length + BOUNDS_BYTES);
    bytes.set(key);
    writeInt64(bytes, key.length, windowed.endMs);
    writeInt64(bytes, key.length + 8, windowed.startMs);
    return bytes;
  }

  deserialize(bytes: Uint8Array, site: SerdeSite): Windowed<K> {
    return this.deserializeAt(bytes, 0, bytes.length, site);
  }

  deserializeAt(buffer: Uint8Array, start: number, end: number, site: SerdeSite): Windowed<K> {
    const keyEnd = end - BOUNDS_BYTES;
    if (keyEnd < start) {
      throw undecodable(
        site,
        `${end - start} bytes hold no key of a session: its bounds alone have ${BOUNDS_BYTES}`,
      );
    }
    const { inner } = this;
    // A copy, which a serde of the user's may return: the queue takes this one for one that reads in place.
    const key =
      inner.deserializeAt === undefined
        ? inner.deserialize(copyBytes(buffer, start, keyEnd), site)
        : inner.deserializeAt(buffer, start, keyEnd, site);
    return new Windowed(key, readInt64(buffer, keyEnd + 8), readInt64(buffer, keyEnd));
  }
}
