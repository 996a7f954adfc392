/**
 * What an update did to one row of a table. `null` means that there is no row; `oldValue` is also null where
 * no operator downstream asked for old values.
 */
export class Change<V> {
  readonly newValue: V | null;
  readonly oldValue: V | null;

  constructor(newValue: V | null, oldValue: V | null) {
    this.newValue = newValue;
    this.oldValue = oldValue;
  }
}
