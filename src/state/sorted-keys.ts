import { invariant } from '../common/errors.ts';

const BLOCK_KEYS = 512;

/**
 * A sorted set of texts, in blocks: adding one among a million moves a few hundred references, and a range is found by
 * two binary searches. Texts that are bytes as latin1 sort as the bytes do.
 */
export class SortedKeys {
  readonly #blocks: string[][] = [];

  static of(keys: Iterable<string>): SortedKeys {
    const sorted = new SortedKeys();
    const all = [...keys].sort(byCodeUnit);
    for (let at = 0; at < all.length; at += BLOCK_KEYS) {
      sorted.#blocks.push(all.slice(at, at + BLOCK_KEYS));
    }
    return sorted;
  }

  /** It must not be there yet. */
  add(key: string): void {
    const blocks = this.#blocks;
    const at = Math.max(0, this.#blockOf(key));
    const block = blocks[at];
    if (block === undefined) {
      blocks.push([key]);
      return;
    }
    block.splice(firstNotBelow(block, key), 0, key);
    if (block.length > 2 * BLOCK_KEYS) blocks.splice(at + 1, 0, block.splice(BLOCK_KEYS));
  }

  /** It must be there. */
  delete(key: string): void {
    const at = this.#blockOf(key);
    const block = this.#blocks[at];
    const inBlock = block === undefined ? -1 : firstNotBelow(block, key);
    invariant(block?.[inBlock] === key, 'only a key that is there is deleted');
    block.splice(inBlock, 1);
    if (block.length === 0) this.#blocks.splice(at, 1);
  }

  /** Those in `[from, to)`, in order. */
  range(from: string, to: string): string[] {
    const found: string[] = [];
    for (let at = Math.max(0, this.#blockOf(from)); at < this.#blocks.length; at++) {
      const block = this.#blocks[at] ?? [];
      for (let i = firstNotBelow(block, from); i < block.length; i++) {
        const key = block[i] ?? '';
        if (key >= to) return found;
        found.push(key);
      }
    }
    return found;
  }

  /** The last block that begins at or below the key; -1 if there is none. */
  #blockOf(key: string): number {
    let low = 0;
    let high = this.#blocks.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#blocks[middle]?.[0] ?? '') <= key) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }
}

function firstNotBelow(block: readonly string[], key: string): number {
  let low = 0;
  let high = block.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((block[middle] ?? '') < key) low = middle + 1;
    else high = middle;
  }
  return low;
}

function byCodeUnit(a: string, b: string): number {
  return a < b ? -1 : 1;
}
