import { parseDuration, type Duration } from './duration.ts';
import { StreamsError } from './errors.ts';

/** Give `timeDifference`, or `before` and `after`. */
export interface JoinWindowsOptions {
  /** How far the times of two records may be apart either way: `before` and `after` where these are left out. */
  readonly timeDifference?: Duration;
  /** How much earlier than the left record the right one may be; negative where it must be later. */
  readonly before?: Duration;
  /** How much later than the left record the right one may be; negative where it must be earlier. */
  readonly after?: Duration;
  /** How long after the end of its window, in stream time, a record may still find a match; 0 if left out. */
  readonly grace?: Duration;
}

/**
 * Which records of two streams join: those of one key where the right one's time is in
 * `[left - beforeMs, left + afterMs]`, both ends included.
 *
 * Errors: `STREAMS_CONFIG` where a bound is missing, and for windows that hold nothing.
 * Source: KIP-633; `org.apache.kafka.streams.kstream.JoinWindows`.
 */
export class JoinWindows {
  readonly beforeMs: number;
  readonly afterMs: number;
  readonly graceMs: number;

  private constructor(beforeMs: number, afterMs: number, graceMs: number) {
    this.beforeMs = beforeMs;
    this.afterMs = afterMs;
    this.graceMs = graceMs;
  }

  static of({
    timeDifference,
    before = timeDifference,
    after = timeDifference,
    grace = 0,
  }: JoinWindowsOptions): JoinWindows {
    const beforeMs = signedMs(before, 'before');
    const afterMs = signedMs(after, 'after');
    if (beforeMs + afterMs < 0) {
      throw new StreamsError(
        'STREAMS_CONFIG',
        `join windows from ${beforeMs} ms before to ${afterMs} ms after hold nothing: the sum of the two must be at ` +
          'least 0',
        { site: { option: 'after' } },
      );
    }
    return new JoinWindows(beforeMs, afterMs, parseDuration(grace, 'grace'));
  }

  get sizeMs(): number {
    return this.beforeMs + this.afterMs;
  }
}

function signedMs(duration: Duration | undefined, option: string): number {
  if (duration === undefined) {
    throw new StreamsError(
      'STREAMS_CONFIG',
      'join windows need a bound on either side: give timeDifference, or before and after',
      { site: { option } },
    );
  }
  if (typeof duration === 'number') {
    return duration < 0 ? -parseDuration(-duration, option) : parseDuration(duration, option);
  }
  const text = duration.trim();
  return text.startsWith('-') ? -parseDuration(text.slice(1), option) : parseDuration(text, option);
}
