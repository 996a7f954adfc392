import type { Iterator as LevelIterator } from 'classic-level';
import type { ErrorSite } from '../../common/errors.ts';
import type { StorageRange } from '../../state/task-storage.ts';
import { asStateError } from './level-error.ts';
import type { Database } from './level-task-storage.ts';

const ROWS_PER_READ = 256;

type Row = readonly [key: Uint8Array, value: Uint8Array];

/**
 * One pass over a range. The snapshot is taken by the constructor; the iterator of LevelDB behind it is closed when the
 * pass ends or is returned from.
 */
export class LevelScan implements AsyncIterableIterator<Row, undefined> {
  readonly #site: ErrorSite;
  readonly #iterator: LevelIterator<Database, Uint8Array, Uint8Array>;
  #rows: readonly Row[] = [];
  #next = 0;
  #ended = false;

  constructor(db: Database, { from, to }: StorageRange, reverse: boolean, site: ErrorSite) {
    this.#site = site;
    this.#iterator = db.iterator({ gte: from, lt: to, reverse });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<IteratorResult<Row, undefined>> {
    if (this.#next === this.#rows.length && !this.#ended) await this.#read();
    const value = this.#rows[this.#next++];
    if (value !== undefined) return { done: false, value };
    this.#next = this.#rows.length;
    return this.return();
  }

  async return(): Promise<IteratorResult<Row, undefined>> {
    this.#ended = true;
    await this.#iterator.close();
    return { done: true, value: undefined };
  }

  async #read(): Promise<void> {
    try {
      this.#rows = await this.#iterator.nextv(ROWS_PER_READ);
      this.#next = 0;
      this.#ended = this.#rows.length === 0;
    } catch (error) {
      throw asStateError(error, 'rows cannot be read', this.#site);
    }
  }
}
