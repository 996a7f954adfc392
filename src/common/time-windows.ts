import { parseDuration, type Duration } from './duration.ts';
import { StreamsError } from './errors.ts';

/** Of `TimeWindows.of`. */
export interface TimeWindowsOptions {
  readonly size: Duration;
  /** How far apart windows start; the size if left out, which makes them tumbling. At most the size. */
  readonly advance?: Duration;
  /** How long after its end, in stream time, a window still takes late records; 0 if left out. */
  readonly grace?: Duration;
}

/**
 * Tumbling or hopping windows `[start, start + sizeMs)`, aligned to the epoch; none starts before 0.
 *
 * Errors: `STREAMS_CONFIG` for a size of 0 and an advance outside `(0, size]`.
 * Source: KIP-633; `org.apache.kafka.streams.kstream.TimeWindows`.
 */
export class TimeWindows {
  readonly sizeMs: number;
  readonly advanceMs: number;
  readonly graceMs: number;

  private constructor(sizeMs: number, advanceMs: number, graceMs: number) {
    this.sizeMs = sizeMs;
    this.advanceMs = advanceMs;
    this.graceMs = graceMs;
  }

  static of({ size, advance = size, grace = 0 }: TimeWindowsOptions): TimeWindows {
    const sizeMs = parseDuration(size, 'size');
    const advanceMs = parseDuration(advance, 'advance');
    if (sizeMs === 0) {
      throw new StreamsError('STREAMS_CONFIG', 'a window needs a size above 0', {
        site: { option: 'size' },
      });
    }
    if (advanceMs === 0 || advanceMs > sizeMs) {
      throw new StreamsError(
        'STREAMS_CONFIG',
        `windows of ${sizeMs} ms must advance by 1 to ${sizeMs} ms, not ${advanceMs}: a longer step would leave gaps`,
        { site: { option: 'advance' } },
      );
    }
    return new TimeWindows(sizeMs, advanceMs, parseDuration(grace, 'grace'));
  }

  /** Start of the earliest window that holds a time; the others follow every `advanceMs` up to that time. */
  firstStartMs(timestampMs: number): number {
    const earliest = Math.max(0, timestampMs - this.sizeMs + this.advanceMs);
    return Math.floor(earliest / this.advanceMs) * this.advanceMs;
  }
}
