/** An owner of decoded entries that gives some back when the budget is short. */
export interface ObjectHolder {
  /** Drops its least recently used clean entries until about `bytes` are free; returns how many were. */
  release(bytes: number): number;
}

/**
 * `stateObjectsMaxBytes` of one stream thread: how much decoded state its stores may hold. It has no meaning, only
 * speed. An entry costs its key's bytes + its last serialized length + 100.
 */
export interface ObjectBudget {
  readonly maxBytes: number;
  readonly usedBytes: number;
  register(holder: ObjectHolder): void;
  unregister(holder: ObjectHolder): void;
  /** Records growth (or, negative, shrinking) of one holder; may call `release` of others and of itself. */
  grow(bytes: number): void;
}
