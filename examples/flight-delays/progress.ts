const BAR_WIDTH = 30;
/** Without a terminal nothing can be drawn over, so a line is printed now and then. */
const PLAIN_LINE_EVERY_MS = 5_000;

/** Done and total of one step, drawn over itself on a terminal. */
export class ProgressBar {
  readonly #label: string;
  readonly #total: number;
  readonly #startMs = performance.now();
  #done = 0;
  #lastDrawnMs = performance.now();

  constructor(label: string, total: number) {
    this.#label = label;
    this.#total = total;
  }

  update(done: number): void {
    this.#done = done;
    const nowMs = performance.now();
    const everyMs = process.stdout.isTTY ? 100 : PLAIN_LINE_EVERY_MS;
    if (nowMs - this.#lastDrawnMs < everyMs) return;
    this.#lastDrawnMs = nowMs;
    if (process.stdout.isTTY) process.stdout.write(`\r${this.#line()}\x1b[K`);
    else if (done > 0) console.log(this.#line());
  }

  /** Leaves the last line standing, with a note behind it. */
  finish(note = ''): void {
    const line = `${this.#line()}${note && `  ${note}`}`;
    if (process.stdout.isTTY) process.stdout.write(`\r${line}\x1b[K\n`);
    else console.log(line);
  }

  #line(): string {
    const share = this.#total === 0 ? 1 : Math.min(1, this.#done / this.#total);
    const filled = Math.round(share * BAR_WIDTH);
    const bar = '█'.repeat(filled) + '░'.repeat(BAR_WIDTH - filled);
    const seconds = (performance.now() - this.#startMs) / 1000;
    const rate = Math.round(this.#done / Math.max(seconds, 0.001));
    const counts = `${whole(this.#done)} of ${whole(this.#total)}`;
    return `${this.#label.padEnd(22)} ${bar} ${counts}  ${whole(rate)}/s`;
  }
}

export function whole(value: number): string {
  return Math.round(value).toLocaleString('en-US');
}
