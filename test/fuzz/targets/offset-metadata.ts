import {
  decodeOffsetMetadata,
  encodeOffsetMetadata,
} from '../../../src/runtime/offset-metadata.ts';
import { cut, mutate } from '../mutate.ts';
import type { FuzzTarget } from '../target.ts';

const SAMPLES = [
  encodeOffsetMetadata({ partitionTimeMs: 1_700_000_000_000, processorTimesMs: new Map() }),
  encodeOffsetMetadata({
    partitionTimeMs: -1,
    processorTimesMs: new Map([
      ['KSTREAM-AGGREGATE-0000000003', 1_700_000_000_000],
      ['fenêtre', 0],
    ]),
  }),
  Buffer.from([1, 0, 0, 1, 0x8b, 0xcf, 0xe5, 0x68, 0]).toString('base64'),
];

/** The text beside a committed offset, which any tool may have written: it gives times, or null, and never throws. */
export function offsetMetadataTarget(): FuzzTarget {
  return {
    name: 'offset-metadata',
    create(chance) {
      const sample = chance.pick(SAMPLES);
      const isText = chance.oneIn(2);
      const whole = isText ? Buffer.from(sample) : Buffer.from(sample, 'base64');
      const bytes = chance.oneIn(4) ? cut(whole, chance) : mutate(whole, chance);
      const text = Buffer.from(bytes).toString(isText ? 'utf8' : 'base64');
      return {
        what: isText ? 'the text' : 'the bytes in it',
        bytes: Buffer.from(text),
        run() {
          const metadata = decodeOffsetMetadata(text);
          if (metadata === null) return;
          const times = [metadata.partitionTimeMs, ...metadata.processorTimesMs.values()];
          if (!times.every(Number.isSafeInteger)) throw new Error(`a time of ${times.join(', ')}`);
        },
      };
    },
  };
}
