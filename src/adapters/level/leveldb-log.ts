import { crc32c } from '../../wire/crc32c.ts';

const BLOCK_BYTES = 32_768;
const HEADER_BYTES = 7;

const FULL = 1;
const FIRST = 2;
const MIDDLE = 3;
const LAST = 4;

/** What is needed of a file handle. */
export interface LogFile {
  read(
    buffer: Buffer,
    offset: number,
    length: number,
    position: number,
  ): Promise<{ readonly bytesRead: number }>;
}

/** What came of reading a log. Offsets are where the first bad bytes are. */
export type LogEnd =
  | { readonly kind: 'whole' }
  /** Nothing valid follows the bad bytes. */
  | { readonly kind: 'torn'; readonly atByte: number; readonly fileBytes: number }
  /** A valid record follows them: something in the middle is lost. */
  | { readonly kind: 'hole'; readonly atByte: number };

/**
 * Reads a file in LevelDB's log format, which its write-ahead logs and MANIFESTs share, block by block:
 *
 *     u32 masked CRC-32C of type and data, u16 length (both little-endian), u8 type, data
 *
 * and calls `onRecord` with each logical record that is put together from whole fragments, if given; one record must
 * fit in memory then. Bad bytes make LevelDB skip the rest of their block, and so does this.
 */
export async function readLog(
  file: LogFile,
  onRecord?: (record: Uint8Array) => void,
): Promise<LogEnd> {
  const block = Buffer.allocUnsafe(BLOCK_BYTES);
  let fragments: Uint8Array[] = [];
  let unfinished = false;
  let badAt = -1;
  let blockStart = 0;
  for (;;) {
    const blockBytes = await readBlock(file, block, blockStart);
    let at = 0;
    while (at + HEADER_BYTES <= blockBytes) {
      const length = block.readUInt16LE(at + 4);
      const type = block[at + 6] ?? 0;
      const end = at + HEADER_BYTES + length;
      if (end > blockBytes || type < FULL || type > LAST || !checksumHolds(block, at, end)) {
        if (badAt < 0) badAt = blockStart + at;
        at = BLOCK_BYTES;
        break;
      }
      if (badAt >= 0) return { kind: 'hole', atByte: badAt };
      if (onRecord !== undefined) {
        if (type === FULL || type === FIRST) fragments = [];
        fragments.push(Uint8Array.from(block.subarray(at + HEADER_BYTES, end)));
        if (type === FULL || type === LAST) onRecord(Buffer.concat(fragments));
      }
      unfinished = type === FIRST || type === MIDDLE;
      at = end;
    }
    if (blockBytes < BLOCK_BYTES) {
      const fileBytes = blockStart + blockBytes;
      if (badAt < 0 && (unfinished || at < blockBytes)) badAt = blockStart + at;
      return badAt < 0 ? { kind: 'whole' } : { kind: 'torn', atByte: badAt, fileBytes };
    }
    blockStart += BLOCK_BYTES;
  }
}

async function readBlock(file: LogFile, block: Buffer, position: number): Promise<number> {
  let read = 0;
  while (read < BLOCK_BYTES) {
    const { bytesRead } = await file.read(block, read, BLOCK_BYTES - read, position + read);
    if (bytesRead === 0) break;
    read += bytesRead;
  }
  return read;
}

function checksumHolds(block: Buffer, at: number, end: number): boolean {
  const crc = crc32c(block, at + 6, end);
  // LevelDB rotates a checksum and adds a constant, so that one of data that holds checksums is no accident.
  const masked = (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0;
  return masked === block.readUInt32LE(at);
}
