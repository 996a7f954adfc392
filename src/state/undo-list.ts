import type { Entry, HeldWrite } from './entry.ts';
import type { Row } from './row.ts';

interface FormerState<K, V> {
  readonly entry: Entry<K, V>;
  readonly row: Row | undefined;
  readonly held: HeldWrite | null;
}

let generations = 0;

/** What entries were before one record touched them. Values need no copy: rows and held writes do not change. */
export class UndoList<K, V> {
  readonly #generation = ++generations;
  readonly #former: FormerState<K, V>[] = [];

  /** Before the first change of an entry; its held write must have bytes. Later calls for the same entry do nothing. */
  remember(entry: Entry<K, V>): void {
    if (entry.undoGeneration === this.#generation) return;
    entry.undoGeneration = this.#generation;
    this.#former.push({ entry, row: entry.row, held: entry.held });
  }

  /** Gives every touched entry its row and held write back, and returns them. The live objects are gone. */
  restore(): readonly Entry<K, V>[] {
    return this.#former.map(({ entry, row, held }) => {
      entry.row = row;
      entry.held = held;
      entry.live = undefined;
      return entry;
    });
  }
}
