import { parseDuration, type Duration } from './duration.ts';
import { StreamsError } from './errors.ts';

/** Of `SlidingWindows.of`. */
export interface SlidingWindowsOptions {
  /** How far apart two records of one window may be, at most. */
  readonly timeDifference: Duration;
  /** How long after its end, in stream time, a window still takes late records; 0 if left out. */
  readonly grace?: Duration;
}

/**
 * Windows `[start, start + differenceMs]`, both bounds included, that are not aligned to anything: there is one for each
 * different set of records that such a span of time can hold. None starts before 0.
 *
 * Errors: `STREAMS_CONFIG` for a difference of 0. Source: KIP-450; `org.apache.kafka.streams.kstream.SlidingWindows`.
 */
export class SlidingWindows {
  readonly differenceMs: number;
  readonly graceMs: number;

  private constructor(differenceMs: number, graceMs: number) {
    this.differenceMs = differenceMs;
    this.graceMs = graceMs;
  }

  static of({ timeDifference, grace = 0 }: SlidingWindowsOptions): SlidingWindows {
    const differenceMs = parseDuration(timeDifference, 'timeDifference');
    if (differenceMs > 0) return new SlidingWindows(differenceMs, parseDuration(grace, 'grace'));
    throw new StreamsError('STREAMS_CONFIG', 'a sliding window needs a time difference above 0', {
      site: { option: 'timeDifference' },
    });
  }
}
