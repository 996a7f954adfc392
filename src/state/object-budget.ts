/** An owner of decoded entries that gives some back when the budget is short. */
export interface ObjectHolder {
  /**
   * Drops entries that were not used since it last looked, until about `bytes` are free or `maxEntries` were looked at;
   * tells the budget by `grow`.
   */
  release(bytes: number, maxEntries: number): void;
  /** How many entries it could drop. */
  readonly droppable: number;
}

/**
 * `stateObjectsMaxBytes` of one stream thread: how much decoded, committed state its stores may hold. It has no
 * meaning, only speed. An entry costs about what it takes of the heap: 320 bytes, its key, and twice or (with an object)
 * four times the length of its value. Entries of the open transaction and of the record cache count in those limits
 * instead.
 */
export interface ObjectBudget {
  readonly maxBytes: number;
  readonly usedBytes: number;
  register(holder: ObjectHolder): void;
  unregister(holder: ObjectHolder): void;
  /** Records growth (or, negative, shrinking) of one holder. Unless it shrank, may call `release` of it and of others. */
  grow(bytes: number): void;
}
