/** Tags of one series, such as `{ 'task-id': '0_1' }`. */
export type MetricTags = Readonly<Record<string, string>>;

/** Only grows. */
export interface Counter {
  add(amount: number): void;
  readonly value: number;
}

export interface Gauge {
  set(value: number): void;
  readonly value: number;
}

export interface Histogram {
  record(value: number): void;
}

/**
 * Hands out the series of one instance; the same name and tags give the same handle. Look a handle up once, in a
 * constructor, and add to it on the hot path.
 */
export interface Metrics {
  counter(name: string, tags?: MetricTags): Counter;
  gauge(name: string, tags?: MetricTags): Gauge;
  /** A gauge whose value is asked for when somebody reads the metrics. */
  observe(name: string, tags: MetricTags, read: () => number): void;
  histogram(name: string, tags?: MetricTags): Histogram;
  /** Called now and then by who has a clock: ends a window of the counters' rates when it is over. */
  rollRates(nowMs: number): void;
  /** Forgets every series that carries all of these tags: a closed task's, say. */
  remove(tags: MetricTags): void;
}
