import { invariant } from '../common/errors.ts';
import type { Entry } from './entry.ts';

/** A doubly linked list through the entries themselves, oldest first. An entry is in at most one list. */
export class EntryList<K, V> {
  #first: Entry<K, V> | null = null;
  #last: Entry<K, V> | null = null;
  #length = 0;

  get first(): Entry<K, V> | null {
    return this.#first;
  }

  get length(): number {
    return this.#length;
  }

  append(entry: Entry<K, V>): void {
    invariant(entry.list === null, 'an entry is in one list at a time');
    entry.list = this;
    entry.previous = this.#last;
    if (this.#last === null) this.#first = entry;
    else this.#last.next = entry;
    this.#last = entry;
    this.#length++;
  }

  remove(entry: Entry<K, V>): void {
    invariant(entry.list === this, 'an entry is removed from the list it is in');
    const { previous, next } = entry;
    if (previous === null) this.#first = next;
    else previous.next = next;
    if (next === null) this.#last = previous;
    else next.previous = previous;
    entry.list = null;
    entry.previous = null;
    entry.next = null;
    this.#length--;
  }

  *[Symbol.iterator](): Generator<Entry<K, V>> {
    for (let entry = this.#first; entry !== null; entry = entry.next) yield entry;
  }
}
