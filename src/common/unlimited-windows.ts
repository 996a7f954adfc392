import { StreamsError } from './errors.ts';

/** Of `UnlimitedWindows.of`. */
export interface UnlimitedWindowsOptions {
  /** Where the window begins; 0 if left out. Records before it belong to no window. */
  readonly startMs?: number;
}

/** The end of a window that has none. */
const FOREVER_MS = Number.MAX_SAFE_INTEGER;

/**
 * One window that begins somewhere and never ends, so it never closes either.
 *
 * Errors: `STREAMS_CONFIG` for a start that is negative or no whole number.
 * Source: `org.apache.kafka.streams.kstream.UnlimitedWindows`.
 */
export class UnlimitedWindows {
  readonly sizeMs: number;
  readonly advanceMs = FOREVER_MS;
  readonly graceMs = 0;
  readonly #startMs: number;

  private constructor(startMs: number) {
    this.#startMs = startMs;
    this.sizeMs = FOREVER_MS - startMs;
  }

  static of({ startMs = 0 }: UnlimitedWindowsOptions = {}): UnlimitedWindows {
    if (Number.isSafeInteger(startMs) && startMs >= 0 && startMs < FOREVER_MS) {
      return new UnlimitedWindows(startMs);
    }
    throw new StreamsError(
      'STREAMS_CONFIG',
      `an unlimited window cannot begin at ${startMs}: give whole milliseconds since the epoch`,
      { site: { option: 'startMs' } },
    );
  }

  /** As `TimeWindows.firstStartMs`; beyond every time for a record before the window. */
  firstStartMs(timestampMs: number): number {
    return timestampMs < this.#startMs ? FOREVER_MS : this.#startMs;
  }
}
