/**
 * Times that the operators of a task keep across restarts, by their own names; committed beside its offsets. What one
 * record changed can be taken back.
 *
 * Source: `org.apache.kafka.streams.processor.internals.ProcessorMetadata`.
 */
export class ProcessorTimes {
  #timesMs = new Map<string, number>();
  /** What the times were when the present record began; null where it has changed none. */
  #former: ReadonlyMap<string, number> | null = null;
  #isStaged = false;

  get all(): ReadonlyMap<string, number> {
    return this.#timesMs;
  }

  get(name: string): number | null {
    return this.#timesMs.get(name) ?? null;
  }

  keep(name: string, timeMs: number): void {
    if (this.#isStaged) this.#former ??= new Map(this.#timesMs);
    this.#timesMs.set(name, timeMs);
  }

  /** Takes up what was committed with one of the task's partitions: of each time the highest is right. */
  restore(committed: ReadonlyMap<string, number>): void {
    for (const [name, timeMs] of committed) {
      this.#timesMs.set(name, Math.max(this.get(name) ?? -Infinity, timeMs));
    }
  }

  clear(): void {
    this.#timesMs = new Map();
    this.endUndo();
  }

  beginUndo(): void {
    this.#isStaged = true;
    this.#former = null;
  }

  undo(): void {
    if (this.#former !== null) this.#timesMs = new Map(this.#former);
    this.endUndo();
  }

  endUndo(): void {
    this.#isStaged = false;
    this.#former = null;
  }
}
