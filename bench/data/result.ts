import { hashRecord, Word64 } from './word64.ts';

/** What a run gave, or must give. The checksum does not depend on the order of records of different keys. */
export interface Result {
  readonly outputRecords: number;
  /** 16 hex digits. */
  readonly checksum: string;
  /** Rows of the final table; where there is no table, the output records. */
  readonly rows: number;
}

/** The sum of the hashes of the last record of each row. */
export class LastRecords {
  readonly #slots = new Map<string, number>();
  readonly #hashes: Word64[] = [];

  get rows(): number {
    return this.#hashes.length;
  }

  /** `row` tells rows apart; key and value are what is hashed. */
  set(row: string, key: Uint8Array, value: Uint8Array): void {
    const slot = this.#slots.get(row);
    if (slot === undefined) {
      this.#slots.set(row, this.#hashes.length);
      this.#hashes.push(hashRecord(key, value, new Word64()));
    } else {
      hashRecord(key, value, this.#hashes[slot] ?? new Word64());
    }
  }

  checksum(): string {
    const sum = new Word64();
    for (const { high, low } of this.#hashes) sum.add(high, low);
    return sum.toString();
  }
}

/** The sum of the hashes of all records. */
export class AllRecords {
  count = 0;
  readonly #sum = new Word64();
  readonly #hash = new Word64();

  add(key: Uint8Array | null, value: Uint8Array): void {
    this.count++;
    const { high, low } = hashRecord(key, value, this.#hash);
    this.#sum.add(high, low);
  }

  checksum(): string {
    return this.#sum.toString();
  }
}
