import type { Counter, Gauge, Histogram, Metrics, MetricTags } from './metrics.ts';

/** One series as `streams.metrics().snapshot()` shows it. */
export interface MetricSample {
  readonly name: string;
  readonly kind: 'counter' | 'gauge' | 'histogram';
  readonly tags: MetricTags;
  /** Of a histogram: how many values were recorded. */
  readonly value: number;
  /** Only of counters: what was added in a second, in the last window of 5 s; left out before the first one is over. */
  readonly rate?: number;
  /** Only of histograms: sum, highest value, and estimated quantiles of what was recorded. */
  readonly summary?: HistogramSummary;
}

/** What a histogram has seen; the quantiles are estimates. */
export interface HistogramSummary {
  readonly sum: number;
  readonly max: number;
  readonly p50: number;
  readonly p99: number;
}

/** Powers of two below 2^-10 and above 2^30 share the outermost buckets; a quantile is right within a factor of two. */
const LOWEST_EXPONENT = -10;
const BUCKETS = 42;

const RATE_WINDOW_MS = 5_000;

class PlainCounter implements Counter {
  value = 0;
  rate: number | undefined;
  #windowValue = 0;

  add(amount: number): void {
    this.value += amount;
  }

  roll(windowMs: number): void {
    this.rate = ((this.value - this.#windowValue) * 1000) / windowMs;
    this.#windowValue = this.value;
  }
}

class PlainGauge implements Gauge {
  value = 0;

  set(value: number): void {
    this.value = value;
  }
}

class ObservedGauge implements Gauge {
  readonly #read: () => number;

  constructor(read: () => number) {
    this.#read = read;
  }

  get value(): number {
    return this.#read();
  }

  set(): void {
    // Its value comes from `read`.
  }
}

class ExponentialHistogram implements Histogram {
  readonly #buckets = new Float64Array(BUCKETS);
  #count = 0;
  #sum = 0;
  #max = 0;

  get value(): number {
    return this.#count;
  }

  record(value: number): void {
    const exponent = value > 0 ? Math.ceil(Math.log2(value)) : LOWEST_EXPONENT;
    const bucket = Math.min(BUCKETS - 1, Math.max(0, exponent - LOWEST_EXPONENT));
    this.#buckets[bucket] = (this.#buckets[bucket] ?? 0) + 1;
    this.#count += 1;
    this.#sum += value;
    if (value > this.#max) this.#max = value;
  }

  summary(): HistogramSummary {
    return {
      sum: this.#sum,
      max: this.#max,
      p50: this.#quantile(0.5),
      p99: this.#quantile(0.99),
    };
  }

  #quantile(q: number): number {
    let left = q * this.#count;
    for (let bucket = 0; bucket < BUCKETS; bucket++) {
      left -= this.#buckets[bucket] ?? 0;
      if (left <= 0) return Math.min(this.#max, 2 ** (bucket + LOWEST_EXPONENT));
    }
    return this.#max;
  }
}

interface Series {
  readonly name: string;
  readonly tags: MetricTags;
  readonly metric: PlainCounter | PlainGauge | ObservedGauge | ExponentialHistogram;
}

/** The metrics of one instance, kept in memory until somebody reads them. */
export class MetricsRegistry implements Metrics {
  readonly #series = new Map<string, Series>();
  #windowStartMs: number | null = null;

  counter(name: string, tags: MetricTags = {}): Counter {
    return this.#find(name, tags, PlainCounter, () => new PlainCounter());
  }

  gauge(name: string, tags: MetricTags = {}): Gauge {
    return this.#find(name, tags, PlainGauge, () => new PlainGauge());
  }

  observe(name: string, tags: MetricTags, read: () => number): void {
    this.#series.set(seriesKey(name, tags), { name, tags, metric: new ObservedGauge(read) });
  }

  histogram(name: string, tags: MetricTags = {}): Histogram {
    return this.#find(name, tags, ExponentialHistogram, () => new ExponentialHistogram());
  }

  rollRates(nowMs: number): void {
    this.#windowStartMs ??= nowMs;
    const windowMs = nowMs - this.#windowStartMs;
    if (windowMs < RATE_WINDOW_MS) return;
    this.#windowStartMs = nowMs;
    for (const { metric } of this.#series.values()) {
      if (metric instanceof PlainCounter) metric.roll(windowMs);
    }
  }

  remove(tags: MetricTags): void {
    const wanted = Object.entries(tags);
    for (const [key, series] of this.#series) {
      if (wanted.every(([name, value]) => series.tags[name] === value)) this.#series.delete(key);
    }
  }

  snapshot(): readonly MetricSample[] {
    return [...this.#series.values()].map(({ name, tags, metric }) => ({
      name,
      kind: kindOf(metric),
      tags,
      value: metric.value,
      ...(metric instanceof PlainCounter && metric.rate !== undefined ? { rate: metric.rate } : {}),
      ...(metric instanceof ExponentialHistogram ? { summary: metric.summary() } : {}),
    }));
  }

  #find<M extends Series['metric']>(
    name: string,
    tags: MetricTags,
    kind: new (...args: never[]) => M,
    create: () => M,
  ): M {
    const key = seriesKey(name, tags);
    const found = this.#series.get(key)?.metric;
    if (found instanceof kind) return found;
    const metric = create();
    this.#series.set(key, { name, tags, metric });
    return metric;
  }
}

function kindOf(metric: Series['metric']): MetricSample['kind'] {
  if (metric instanceof PlainCounter) return 'counter';
  return metric instanceof ExponentialHistogram ? 'histogram' : 'gauge';
}

function seriesKey(name: string, tags: MetricTags): string {
  const parts = Object.keys(tags)
    .sort()
    .map((tag) => `${tag}=${tags[tag] ?? ''}`);
  return [name, ...parts].join('\u0000');
}
