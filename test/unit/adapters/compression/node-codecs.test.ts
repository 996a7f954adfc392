import zlib from 'node:zlib';
import { nodeCodecs } from '../../../../src/adapters/compression/node-codecs.ts';
import { isStreamsError } from '../../../../src/common/errors.ts';
import { COMPRESSION_NAMES } from '../../../../src/wire/compression.ts';

const SITE = { topic: 'in', partition: 0 };
const hasZstd = 'zstdCompressSync' in zlib;

/** The names of the codecs that come with this Node. */
function available(): string[] {
  return COMPRESSION_NAMES.filter((name) => {
    try {
      nodeCodecs().get(name, SITE);
      return true;
    } catch (error) {
      if (isStreamsError(error)) return false;
      throw error;
    }
  });
}

describe('the codecs of Node', () => {
  test('are gzip, and zstd where Node has it', () => {
    expect(available()).toEqual(hasZstd ? ['gzip', 'zstd'] : ['gzip']);
  });

  test('give back what they compressed, and refuse more than the limit and bytes of another kind', () => {
    const bytes = new Uint8Array(10_000).fill(65);
    for (const name of hasZstd ? (['gzip', 'zstd'] as const) : (['gzip'] as const)) {
      const codec = nodeCodecs().get(name, SITE);
      const compressed = codec.compress(bytes);
      expect(compressed.length).toBeLessThan(1000);
      expect(new Uint8Array(codec.decompress(compressed, 10_000))).toEqual(bytes);
      expect(() => codec.decompress(compressed, 9999)).toThrow();
      expect(() => codec.decompress(bytes, 20_000)).toThrow();
    }
  });
});
