/** A key in one window, `[startMs, endMs)` for time windows. The key of what a windowed aggregation yields. */
export class Windowed<K> {
  readonly key: K;
  readonly startMs: number;
  readonly endMs: number;

  constructor(key: K, startMs: number, endMs: number) {
    this.key = key;
    this.startMs = startMs;
    this.endMs = endMs;
  }
}
