import { invariant } from '../common/errors.ts';

/** What an entry has for its list. */
export interface Listed<E> {
  list: object | null;
  previous: E | null;
  next: E | null;
}

/** A doubly linked list through the entries themselves, oldest first. An entry is in at most one list. */
export class EntryList<E extends Listed<E>> {
  #first: E | null = null;
  #last: E | null = null;
  #length = 0;

  get first(): E | null {
    return this.#first;
  }

  get length(): number {
    return this.#length;
  }

  append(entry: E): void {
    invariant(entry.list === null, 'an entry is in one list at a time');
    entry.list = this;
    entry.previous = this.#last;
    if (this.#last === null) this.#first = entry;
    else this.#last.next = entry;
    this.#last = entry;
    this.#length++;
  }

  remove(entry: E): void {
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

  *[Symbol.iterator](): Generator<E> {
    for (let entry = this.#first; entry !== null; entry = entry.next) yield entry;
  }
}
