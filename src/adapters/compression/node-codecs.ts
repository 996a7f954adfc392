import zlib from 'node:zlib';
import type { CompressionCodec } from '../../wire/compression.ts';
import { CompressionCodecs } from '../../wire/compression.ts';

/** The codecs that come with Node: gzip, and zstd from Node 22.15 on. Others are the application's to register. */
export function nodeCodecs(): CompressionCodecs {
  const codecs = new CompressionCodecs().register('gzip', gzip);
  const module: object = zlib;
  const zstd = zstdOf(module);
  return zstd === null ? codecs : codecs.register('zstd', zstd);
}

const gzip: CompressionCodec = {
  compress: (bytes) => zlib.gzipSync(bytes),
  decompress: (bytes, maxBytes) => zlib.gunzipSync(bytes, { maxOutputLength: maxBytes }),
};

type SyncZlib = (bytes: Uint8Array, options?: { maxOutputLength?: number }) => Uint8Array;

/** What newer versions of Node add; the types are those of the oldest that we run on. */
interface ZstdOfNode {
  readonly zstdCompressSync?: SyncZlib;
  readonly zstdDecompressSync?: SyncZlib;
}

function zstdOf({ zstdCompressSync, zstdDecompressSync }: ZstdOfNode): CompressionCodec | null {
  if (zstdCompressSync === undefined || zstdDecompressSync === undefined) return null;
  return {
    compress: (bytes) => zstdCompressSync(bytes),
    decompress: (bytes, maxBytes) => zstdDecompressSync(bytes, { maxOutputLength: maxBytes }),
  };
}
