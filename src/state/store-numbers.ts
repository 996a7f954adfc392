import { invariant, StreamsError } from '../common/errors.ts';
import { FIRST_VOLATILE_STORE } from './database-keys.ts';
import type { StoreDescription, StoreLayout } from './task-storage.ts';

export interface NumberedStore {
  readonly number: number;
  readonly layout: StoreLayout;
}

/** Which number in the database keys each store of a task has, and in which layout its rows are. */
export class StoreNumbers {
  readonly #stores = new Map<string, NumberedStore>();
  #next: number;

  constructor(first = 0) {
    this.#next = first;
  }

  /** One that the data came with. */
  add(name: string, store: NumberedStore): void {
    this.#stores.set(name, store);
    this.#next = Math.max(this.#next, store.number + 1);
  }

  has(name: string): boolean {
    return this.#stores.has(name);
  }

  /** Errors: `STREAMS_STATE_INCOMPATIBLE` where the data has another layout. */
  numberOf({ name, layout }: StoreDescription): number {
    const known = this.#stores.get(name);
    if (known === undefined) {
      const number = this.#next++;
      invariant(number !== FIRST_VOLATILE_STORE, 'a task has room for 32768 stores on disk');
      this.#stores.set(name, { number, layout });
      return number;
    }
    if (known.layout === layout) return known.number;
    throw new StreamsError(
      'STREAMS_STATE_INCOMPATIBLE',
      `the local state of this store was written as ${known.layout} and the topology has it as ${layout} now: ` +
        'give the store another name, or reset the application if its content may go',
      { site: { store: name } },
    );
  }
}
