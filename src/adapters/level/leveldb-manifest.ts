/** What a MANIFEST says the database consists of. */
export interface Manifest {
  /** Size by number. */
  readonly tables: Map<number, number>;
  /** Older logs are not read any more. 0 before the first. */
  logNumber: number;
  /** Of a log that was being compacted; 0 if none. */
  previousLogNumber: number;
  edits: number;
  /** False once an edit could not be read. */
  readable: boolean;
}

export function emptyManifest(): Manifest {
  return { tables: new Map(), logNumber: 0, previousLogNumber: 0, edits: 0, readable: true };
}

const COMPARATOR = 1;
const LOG_NUMBER = 2;
const NEXT_FILE_NUMBER = 3;
const LAST_SEQUENCE = 4;
const COMPACT_POINTER = 5;
const DELETED_FILE = 6;
const NEW_FILE = 7;
const PREVIOUS_LOG_NUMBER = 9;

/** Applies one record of a MANIFEST: a list of tagged fields. */
export function applyEdit(manifest: Manifest, edit: Uint8Array): void {
  const fields = new EditReader(edit);
  while (fields.left > 0) {
    switch (fields.varint()) {
      case COMPARATOR:
        fields.skipText();
        break;
      case LOG_NUMBER:
        manifest.logNumber = fields.varint();
        break;
      case NEXT_FILE_NUMBER:
      case LAST_SEQUENCE:
        fields.varint();
        break;
      case COMPACT_POINTER:
        fields.varint();
        fields.skipText();
        break;
      case DELETED_FILE:
        fields.varint(); // level
        manifest.tables.delete(fields.varint());
        break;
      case NEW_FILE: {
        fields.varint(); // level
        const number = fields.varint();
        manifest.tables.set(number, fields.varint());
        fields.skipText(); // smallest key
        fields.skipText(); // largest
        break;
      }
      case PREVIOUS_LOG_NUMBER:
        manifest.previousLogNumber = fields.varint();
        break;
      default:
        manifest.readable = false;
        return;
    }
  }
  manifest.edits++;
  if (fields.left < 0) manifest.readable = false;
}

/** Reads past the end as zeros; `left` is then negative. */
class EditReader {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get left(): number {
    return this.#bytes.length - this.#at;
  }

  /** Exact up to 2^53: file numbers, sizes and sequences are far below. */
  varint(): number {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = this.#bytes[this.#at++] ?? 0;
      value += (byte & 127) * scale;
      if (byte < 128) return value;
    }
  }

  skipText(): void {
    const length = this.varint();
    this.#at += length;
  }
}
