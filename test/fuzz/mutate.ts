import type { Chance } from './chance.ts';

/** Numbers at the edges of Kafka's types, as they stand on the wire: lengths, counts and varints among them. */
const EDGES = [
  [0x00],
  [0x01],
  [0x7f],
  [0x80],
  [0xff],
  [0xff, 0xff],
  [0x7f, 0xff],
  [0x80, 0x00],
  [0xff, 0xff, 0xff, 0xff],
  [0xff, 0xff, 0xff, 0xfe],
  [0x7f, 0xff, 0xff, 0xff],
  [0x80, 0x00, 0x00, 0x00],
  [0x00, 0x20, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00],
  [0xff, 0xff, 0xff, 0xff, 0x07],
  [0xff, 0xff, 0xff, 0xff, 0x0f],
  [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01],
].map((bytes) => Uint8Array.from(bytes));

const MOST_CHANGES = 4;
const LONGEST_PIECE = 40;
/** A count of 2^16, in both forms, and bytes enough for it: small elements that would become large objects. */
const LARGE_COUNTS = [Uint8Array.of(0, 1, 0, 0), Uint8Array.of(0x80, 0x80, 4)];
const RUN_BYTES = 70_000;
const RUN_ONE_IN = 100;

/** A part of the bytes from the beginning, shorter than the whole unless that is empty. */
export function cut(bytes: Uint8Array, chance: Chance): Uint8Array {
  return new Uint8Array(bytes.subarray(0, chance.below(Math.max(1, bytes.length))));
}

/** The bytes with one to four things wrong with them. The original is left alone. */
export function mutate(bytes: Uint8Array, chance: Chance): Uint8Array {
  let mutant = bytes;
  for (let left = 1 + chance.below(MOST_CHANGES); left > 0; left--) mutant = change(mutant, chance);
  return mutant;
}

function change(bytes: Uint8Array, chance: Chance): Uint8Array {
  const at = chance.below(bytes.length + 1);
  const piece = chance.below(LONGEST_PIECE);
  if (chance.oneIn(RUN_ONE_IN)) {
    const run = new Uint8Array(RUN_BYTES).fill(chance.below(3));
    const count = chance.pick(LARGE_COUNTS);
    run.set(count);
    return splice(bytes, at, at + count.length, run);
  }
  switch (chance.below(8)) {
    case 0:
      return cut(bytes, chance);
    case 1: // lost
      return splice(bytes, at, at + piece, new Uint8Array(0));
    case 2: // added
      return splice(bytes, at, at, chance.bytes(piece));
    case 3: // said twice
      return splice(bytes, at, at, bytes.subarray(at, at + piece));
    case 4: // never written
      return splice(bytes, at, at + piece, new Uint8Array(Math.min(piece, bytes.length - at)));
    case 5: {
      const edge = chance.pick(EDGES);
      return splice(bytes, at, at + edge.length, edge);
    }
    case 6: {
      const mutant = new Uint8Array(bytes); // a copy: `slice` of a Buffer is none
      if (at < mutant.length) mutant[at] = (mutant[at] as number) ^ (1 << chance.below(8));
      return mutant;
    }
    default: {
      const mutant = new Uint8Array(bytes); // a copy: `slice` of a Buffer is none
      if (at < mutant.length) mutant[at] = chance.below(256);
      return mutant;
    }
  }
}

function splice(bytes: Uint8Array, from: number, to: number, middle: Uint8Array): Uint8Array {
  const rest = bytes.subarray(to);
  const result = new Uint8Array(from + middle.length + rest.length);
  result.set(bytes.subarray(0, from));
  result.set(middle, from);
  result.set(rest, from + middle.length);
  return result;
}
