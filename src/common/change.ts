/**
 * What an update did to one row of a table. `null` means that there is no row; `oldValue` is also null where
 * no operator downstream asked for old values.
 */
export class Change<V> {
  readonly newValue: V | null;
  readonly oldValue: V | null;
  /** False for a late update of a versioned table: a later version of the row is there, and stays the current one. */
  readonly isLatest: boolean;

  constructor(newValue: V | null, oldValue: V | null, isLatest = true) {
    this.newValue = newValue;
    this.oldValue = oldValue;
    this.isLatest = isLatest;
  }
}
