import type { ObjectBudget, ObjectHolder } from './object-budget.ts';

/** So many entries a holder looks at before the next one has its turn: no store pays for all. */
const ENTRIES_PER_TURN = 64;

/**
 * The budget of one stream thread. When it is over, its holders take turns in giving back. An entry that was used since
 * the last look is passed over once, so the work is bounded by the number of accesses.
 */
export class SharedObjectBudget implements ObjectBudget {
  readonly maxBytes: number;
  readonly #holders: ObjectHolder[] = [];
  #usedBytes = 0;
  #turn = 0;

  constructor(maxBytes: number) {
    this.maxBytes = maxBytes;
  }

  get usedBytes(): number {
    return this.#usedBytes;
  }

  register(holder: ObjectHolder): void {
    this.#holders.push(holder);
  }

  unregister(holder: ObjectHolder): void {
    const at = this.#holders.indexOf(holder);
    if (at >= 0) this.#holders.splice(at, 1);
  }

  grow(bytes: number): void {
    this.#usedBytes += bytes;
    if (bytes >= 0 && this.#usedBytes > this.maxBytes) this.#reclaim();
  }

  #reclaim(): void {
    let idleTurns = 0;
    while (this.#usedBytes > this.maxBytes && idleTurns < this.#holders.length) {
      this.#turn = (this.#turn + 1) % this.#holders.length;
      const holder = this.#holders[this.#turn];
      if (holder === undefined || holder.droppable === 0) {
        idleTurns++;
        continue;
      }
      idleTurns = 0;
      holder.release(this.#usedBytes - this.maxBytes, ENTRIES_PER_TURN);
    }
  }
}
