import { readInt32, writeInt32 } from '../common/bytes.ts';
import {
  bigintSerde,
  doubleSerde,
  floatSerde,
  intSerde,
  longSerde,
  shortSerde,
} from './number-serdes.ts';
import type { Serde, SerdeSite } from './serde.ts';
import { undecodable } from './serde-error.ts';
import { uuidSerde } from './uuid-serde.ts';

const FIXED_SIZE = 0;
const VARIABLE_SIZE = 1;
const NULL_LENGTH = -1;

/** Entries of these have no length before them: all are equally long, as in Java. */
const FIXED_LENGTHS: ReadonlyMap<unknown, number> = new Map<unknown, number>([
  [shortSerde, 2],
  [intSerde, 4],
  [floatSerde, 4],
  [longSerde, 8],
  [bigintSerde, 8],
  [doubleSerde, 8],
  [uuidSerde, 36],
]);

/**
 * A list of what another serde writes; null entries are allowed. The bytes of Java's `ListSerializer`:
 *
 *     u8 0, i32 nulls, i32 index of each, i32 size, entries            of numbers and UUIDs
 *     u8 1, i32 size, (i32 length, entry) each, length -1 for null     of everything else
 */
export function listSerde<T>(inner: Serde<NonNullable<T>>): Serde<T[]> {
  const entryLength = FIXED_LENGTHS.get(inner);
  return {
    serialize(list, site) {
      const entries = list.map((entry) =>
        entry === null || entry === undefined ? null : inner.serialize(entry, site),
      );
      return entryLength === undefined ? writeVariable(entries) : writeFixed(entries);
    },
    deserialize(bytes, site) {
      const entries =
        bytes[0] === FIXED_SIZE ? readFixed(bytes, entryLength, site) : readVariable(bytes, site);
      // A null entry is a T where the user's type says so.
      return entries.map((entry) => (entry === null ? null : inner.deserialize(entry, site)) as T);
    },
  };
}

type Entry = Uint8Array | null;

function writeFixed(entries: readonly Entry[]): Uint8Array {
  const nulls = entries.flatMap((entry, index) => (entry === null ? [index] : []));
  const numbers = [nulls.length, ...nulls, entries.length];
  const present = entries.filter((entry) => entry !== null);
  return concat([Uint8Array.of(FIXED_SIZE), ...numbers.map(int32), ...present]);
}

function writeVariable(entries: readonly Entry[]): Uint8Array {
  const parts = entries.flatMap((entry) =>
    entry === null ? [int32(NULL_LENGTH)] : [int32(entry.length), entry],
  );
  return concat([Uint8Array.of(VARIABLE_SIZE), int32(entries.length), ...parts]);
}

function readFixed(bytes: Uint8Array, entryLength: number | undefined, site: SerdeSite): Entry[] {
  if (entryLength === undefined) {
    throw undecodable(
      site,
      'this list has entries of one length, and the serde of its entries has not',
    );
  }
  const reader = new ListReader(bytes, site);
  const nulls = new Set(Array.from({ length: reader.count() }, () => reader.int32()));
  const size = reader.count();
  const entries = Array.from({ length: size }, (_, index) =>
    nulls.has(index) ? null : reader.take(entryLength),
  );
  reader.end();
  return entries;
}

function readVariable(bytes: Uint8Array, site: SerdeSite): Entry[] {
  const reader = new ListReader(bytes, site);
  if (bytes[0] !== VARIABLE_SIZE) throw undecodable(site, 'these bytes are no list');
  const entries = Array.from({ length: reader.count() }, () => {
    const length = reader.int32();
    return length === NULL_LENGTH ? null : reader.take(length);
  });
  reader.end();
  return entries;
}

/** Walks a list behind its first byte. Errors: `STREAMS_DESERIALIZATION` where it ends too early or too late. */
class ListReader {
  readonly #bytes: Uint8Array;
  readonly #site: SerdeSite;
  #at = 1;

  constructor(bytes: Uint8Array, site: SerdeSite) {
    this.#bytes = bytes;
    this.#site = site;
  }

  int32(): number {
    this.#require(4);
    const value = readInt32(this.#bytes, this.#at);
    this.#at += 4;
    return value;
  }

  /** Of what follows: not more than there can be, so that damaged bytes do not ask for gigabytes. */
  count(): number {
    const count = this.int32();
    if (count < 0 || count > this.#bytes.length) throw this.#damaged();
    return count;
  }

  take(length: number): Uint8Array {
    this.#require(length);
    const taken = this.#bytes.subarray(this.#at, this.#at + length);
    this.#at += length;
    return taken;
  }

  end(): void {
    if (this.#at !== this.#bytes.length) throw this.#damaged();
  }

  #require(length: number): void {
    if (length < 0 || this.#at + length > this.#bytes.length) throw this.#damaged();
  }

  #damaged(): Error {
    return undecodable(this.#site, `these ${this.#bytes.length} bytes are no whole list`);
  }
}

function int32(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  writeInt32(bytes, 0, value);
  return bytes;
}

function concat(parts: readonly Uint8Array[]): Uint8Array {
  return Buffer.concat(parts);
}
