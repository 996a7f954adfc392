import { nodeCodecs } from '../../../src/adapters/compression/node-codecs.ts';
import { isStreamsError } from '../../../src/common/errors.ts';
import {
  COMPRESSION_NAMES,
  compressionId,
  type CompressionCodec,
  type CompressionName,
} from '../../../src/wire/compression.ts';
import {
  BATCH_HEADER_BYTES,
  ATTRIBUTES_AT,
  LENGTH_AT,
  MAGIC,
  MAGIC_AT,
  RecordBatch,
  RECORD_COUNT_AT,
} from '../../../src/wire/record-batch.ts';
import { RecordCursor } from '../../../src/wire/record-cursor.ts';
import { Chance } from '../chance.ts';
import { cut, mutate } from '../mutate.ts';
import { givesValueOr, type FuzzTarget } from '../target.ts';

const SITE = { topic: 'clicks', partition: 3 };
const MAX_DECOMPRESSED_BYTES = 1 << 16;
/** The last is a bomb: far more than the limit, from few bytes. */
const SIZES = [0, 1, 10, 100, 1000, 5000, 30_000, 65_536, 4 << 20];

/** One target for each codec that this Node has: what it wrote comes back, what is damaged is refused or bounded. */
export function codecTargets(): FuzzTarget[] {
  const codecs = nodeCodecs();
  return COMPRESSION_NAMES.filter((name) => name !== 'none').flatMap((name) => {
    try {
      return [codecTarget(name, codecs.get(name, SITE))];
    } catch (error) {
      if (isStreamsError(error, 'STREAMS_CODEC_MISSING')) return [];
      throw error;
    }
  });
}

function codecTarget(name: CompressionName, codec: CompressionCodec): FuzzTarget {
  const options = { codecs: nodeCodecs(), maxDecompressedBytes: MAX_DECOMPRESSED_BYTES };
  const cursor = new RecordCursor({ ...options, site: SITE });
  const samples = SIZES.map((size) => codec.compress(compressible(size)));
  return {
    name: `codec-${name}`,
    create(chance) {
      if (chance.oneIn(8)) return roundTrip(codec, chance);
      const sample = chance.pick(samples);
      const payload = chance.oneIn(4) ? cut(sample, chance) : mutate(sample, chance);
      const batch = batchOf(name, payload);
      return {
        what: `${sample.length} compressed bytes`,
        bytes: batch.bytes,
        extraBytes: 4 * MAX_DECOMPRESSED_BYTES,
        run: () =>
          givesValueOr(['STREAMS_CORRUPT_MESSAGE'], () => {
            cursor.open(batch);
            if (cursor.bytes.length > MAX_DECOMPRESSED_BYTES)
              throw new Error('the limit is passed');
            while (cursor.next()) cursor.headers();
          }),
      };
    },
  };
}

function roundTrip(codec: CompressionCodec, chance: Chance): ReturnType<FuzzTarget['create']> {
  const bytes = chance.bytes(chance.below(300));
  return {
    what: 'a round trip',
    bytes,
    extraBytes: 4 * MAX_DECOMPRESSED_BYTES,
    run() {
      const back = codec.decompress(codec.compress(bytes), MAX_DECOMPRESSED_BYTES);
      if (Buffer.compare(back, bytes) !== 0) throw new Error('other bytes came back');
    },
  };
}

/** Text of few letters, with what looks like records in it. */
function compressible(size: number): Uint8Array {
  const chance = new Chance(size, 0);
  return Uint8Array.from({ length: size }, (_, index) => index % 7 || chance.below(32));
}

function batchOf(name: CompressionName, payload: Uint8Array): RecordBatch {
  const bytes = Buffer.alloc(BATCH_HEADER_BYTES + payload.length);
  bytes.writeInt32BE(bytes.length - 12, LENGTH_AT);
  bytes[MAGIC_AT] = MAGIC;
  bytes.writeInt16BE(compressionId(name), ATTRIBUTES_AT);
  bytes.writeInt32BE(1, RECORD_COUNT_AT);
  bytes.set(payload, BATCH_HEADER_BYTES);
  return new RecordBatch(bytes, 0, bytes.length);
}
