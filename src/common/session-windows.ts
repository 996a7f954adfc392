import { parseDuration, type Duration } from './duration.ts';
import { StreamsError } from './errors.ts';

/** Of `SessionWindows.of`. */
export interface SessionWindowsOptions {
  /** How long a key must be silent for its session to end; records exactly so far apart are still of one session. */
  readonly gap: Duration;
  /** How long after a session has ended, in stream time, late records may still change it; 0 if left out. */
  readonly grace?: Duration;
}

/**
 * Windows `[first, last]` of the times of a key's records, none further than `gapMs` from the next.
 *
 * Errors: `STREAMS_CONFIG` for a gap of 0. Source: `org.apache.kafka.streams.kstream.SessionWindows`.
 */
export class SessionWindows {
  readonly gapMs: number;
  readonly graceMs: number;

  private constructor(gapMs: number, graceMs: number) {
    this.gapMs = gapMs;
    this.graceMs = graceMs;
  }

  static of({ gap, grace = 0 }: SessionWindowsOptions): SessionWindows {
    const gapMs = parseDuration(gap, 'gap');
    if (gapMs > 0) return new SessionWindows(gapMs, parseDuration(grace, 'grace'));
    throw new StreamsError('STREAMS_CONFIG', 'a session needs a gap above 0', {
      site: { option: 'gap' },
    });
  }
}
