import { copyBytes } from '../common/byte-pool.ts';
import { readInt64, writeInt64 } from '../common/bytes.ts';
import { parseDuration, type Duration } from '../common/duration.ts';
import { StreamsError } from '../common/errors.ts';
import { Windowed } from '../common/windowed.ts';
import type { Serde, SerdeSite } from './serde.ts';
import { undecodable } from './serde-error.ts';

/** Of `serdes.timeWindowed`. */
export interface TimeWindowedOptions {
  /** The size of the windows: the bytes hold only the start. */
  readonly size: Duration;
}

const START_BYTES = 8;

/**
 * Keys of time windows as Kafka Streams writes them to topics:
 *
 *     key ++ int64 window start, big-endian
 *
 * A class, so that a sink can see it and choose the partition by `inner` alone: all windows of a key go where the key
 * goes. Source: `TimeWindowedSerializer`, `TimeWindowedDeserializer`, `WindowKeySchema`.
 */
export class TimeWindowedSerde<K> implements Serde<Windowed<K>> {
  readonly inner: Serde<K>;
  readonly sizeMs: number;

  constructor(inner: Serde<K>, { size }: TimeWindowedOptions) {
    this.inner = inner;
    this.sizeMs = parseDuration(size, 'size');
    if (this.sizeMs === 0) {
      throw new StreamsError(
        'STREAMS_CONFIG',
        'timeWindowed needs the size of the windows, above 0',
        {
          site: { option: 'size' },
        },
      );
    }
  }

  serialize(windowed: Windowed<K>, site: SerdeSite): Uint8Array {
    const key = this.inner.serialize(windowed.key, site);
    const bytes = new Uint8Array(key.length + START_BYTES);
    bytes.set(key);
    writeInt64(bytes, key.length, windowed.startMs);
    return bytes;
  }

  deserialize(bytes: Uint8Array, site: SerdeSite): Windowed<K> {
    return this.deserializeAt(bytes, 0, bytes.length, site);
  }

  deserializeAt(buffer: Uint8Array, start: number, end: number, site: SerdeSite): Windowed<K> {
    const keyEnd = end - START_BYTES;
    if (keyEnd < start) {
      throw undecodable(
        site,
        `${end - start} bytes hold no windowed key: the window start alone has 8`,
      );
    }
    const { inner } = this;
    // A copy, which a serde of the user's may return: the queue takes this one for one that reads in place.
    const key =
      inner.deserializeAt === undefined
        ? inner.deserialize(copyBytes(buffer, start, keyEnd), site)
        : inner.deserializeAt(buffer, start, keyEnd, site);
    const startMs = readInt64(buffer, keyEnd);
    return new Windowed(key, startMs, startMs + this.sizeMs);
  }
}
