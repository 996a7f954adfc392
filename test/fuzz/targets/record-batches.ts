import { nodeCodecs } from '../../../src/adapters/compression/node-codecs.ts';
import { committedBatches } from '../../../src/client/committed-batches.ts';
import { crc32c } from '../../../src/wire/crc32c.ts';
import { ATTRIBUTES_AT, BATCH_HEADER_BYTES, CRC_AT } from '../../../src/wire/record-batch.ts';
import { RecordCursor } from '../../../src/wire/record-cursor.ts';
import { bytesOf, goldenJson } from '../../unit/wire/golden.ts';
import type { Chance } from '../chance.ts';
import { cut, mutate } from '../mutate.ts';
import { givesValueOr, type FuzzTarget } from '../target.ts';

const SITE = { topic: 'clicks', partition: 3 };
const MOST_BATCHES = 3;
const MAX_DECOMPRESSED_BYTES = 1 << 18;
const PRODUCERS = [7000, -1, 2 ** 53 - 1];

/** What a partition of a Fetch answer holds, as the fetcher and the tasks walk it: filter, records and headers. */
export function recordBatchesTarget(): FuzzTarget {
  const golden = goldenJson('record-batches') as readonly { readonly bytes: string }[];
  const batches = golden.map(({ bytes }) => bytesOf(bytes));
  const options = { codecs: nodeCodecs(), maxDecompressedBytes: MAX_DECOMPRESSED_BYTES };
  const cursor = new RecordCursor({ ...options, site: SITE });
  return {
    name: 'record-batches',
    create(chance) {
      const count = 1 + chance.below(MOST_BATCHES);
      const picked = Array.from({ length: count }, () => chance.pick(batches));
      const whole = new Uint8Array(Buffer.concat(picked));
      const bytes = chance.oneIn(5) ? cut(whole, chance) : mutate(whole, chance);
      // Under a right checksum the rest of the reader has to stand it.
      if (!chance.oneIn(4)) sign(bytes);
      const abortedTransactions = chance.oneIn(4) ? null : abortedOf(chance);
      return {
        what: `${count} batches`,
        bytes,
        extraBytes: 2 * count * MAX_DECOMPRESSED_BYTES,
        run: () =>
          givesValueOr(['STREAMS_CORRUPT_MESSAGE', 'STREAMS_CODEC_MISSING'], () => {
            const { batches: visible } = committedBatches({
              records: bytes,
              fetchOffset: 0,
              abortedTransactions,
              crc32c,
              cursor,
              site: SITE,
            });
            for (const batch of visible) {
              cursor.open(batch);
              while (cursor.next()) cursor.headers();
            }
          }),
      };
    },
  };
}

function abortedOf(chance: Chance): { producerId: number; firstOffset: number }[] {
  return Array.from({ length: chance.below(4) }, () => ({
    producerId: chance.pick(PRODUCERS),
    firstOffset: chance.below(1000),
  }));
}

/** Gives each batch the checksum of what it holds now, as far as the lengths lead. */
function sign(bytes: Uint8Array): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let start = 0; start + BATCH_HEADER_BYTES <= bytes.length;) {
    const end = start + 12 + view.getInt32(start + 8);
    if (end > bytes.length || end < start + BATCH_HEADER_BYTES) return;
    view.setUint32(start + CRC_AT, crc32c(bytes, start + ATTRIBUTES_AT, end));
    start = end;
  }
}
