import type { ErrorSite } from '../common/errors.ts';
import { StreamsError, invariant } from '../common/errors.ts';

/** In the order of their ids in the attributes of a record batch. */
export const COMPRESSION_NAMES = ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const;

/** What Kafka calls the ways to compress a batch. */
export type CompressionName = (typeof COMPRESSION_NAMES)[number];

/**
 * Compresses the records of a batch, in the framing that Kafka's Java client uses: a gzip member, snappy's xerial
 * framing, an LZ4 frame, a Zstandard frame. Both are synchronous: a batch is at most a few megabytes.
 */
export interface CompressionCodec {
  compress(bytes: Uint8Array): Uint8Array;
  /**
   * Throws when the result would be longer than `maxBytes`, and on bytes that are not its own. The codec never writes to
   * the result again: records of several partitions are read from theirs by turns.
   */
  decompress(bytes: Uint8Array, maxBytes: number): Uint8Array;
}

/** The codecs of one application. `none` is built in; `adapters/compression` has those that come with Node. */
export class CompressionCodecs {
  readonly #codecs = new Map<CompressionName, CompressionCodec>();

  /** A codec registered later replaces the earlier one of that name. */
  register(name: Exclude<CompressionName, 'none'>, codec: CompressionCodec): this {
    this.#codecs.set(name, codec);
    return this;
  }

  /** `STREAMS_CODEC_MISSING` when nobody has registered it; `site` says for which topic and partition. */
  get(name: CompressionName, site: ErrorSite): CompressionCodec {
    const codec = this.#codecs.get(name);
    if (codec !== undefined) return codec;
    invariant(name !== 'none', 'bytes that are not compressed need no codec');
    throw new StreamsError(
      'STREAMS_CODEC_MISSING',
      `no codec for ${name} is registered: register one, or use another compression.type there`,
      { site },
    );
  }
}

export function compressionId(name: CompressionName): number {
  return COMPRESSION_NAMES.indexOf(name);
}
