/**
 *     stream-time   moved by records only: fires when the task's stream time reaches the next multiple of the interval
 *     wall-clock    fires an interval from now, then every interval, between records: best effort
 *
 * Missed calls collapse into one.
 */
export type PunctuationType = 'stream-time' | 'wall-clock';

/** When a punctuator is called first. */
export interface ScheduleOptions {
  /**
   * Anchors the calls at this time plus multiples of the interval, on the clock of the type; the first is the first of
   * these that is still to come, so never before the start. Left out: as the type says.
   *
   * Source: KIP-1146.
   */
  readonly startTimeMs?: number;
}

/** Gets the task's stream time or the wall clock, in ms, not the time that was due. May be async, as a processor. */
export type Punctuator = (timestampMs: number) => void | Promise<void>;

/** A schedule that can be ended. */
export interface Cancellable {
  /** Takes effect at once, also when called by the punctuator itself. */
  cancel(): void;
}
