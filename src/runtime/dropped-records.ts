import type { ErrorSite } from '../common/errors.ts';
import type { Logger } from '../observability/logger.ts';
import type { Counter, Metrics, MetricTags } from '../observability/metrics.ts';
import type { DroppedReason } from '../processor/dropped-reason.ts';

/**
 * `dropped-records-total` of one task, one series for each reason. Logs the first record of each reason, since a topic
 * full of them would fill the disk.
 *
 * Source: `TaskMetrics.droppedRecordsSensor`, which has no reasons.
 */
export class DroppedRecords {
  readonly #counters = new Map<DroppedReason, Counter>();
  readonly #metrics: Metrics;
  readonly #tags: MetricTags;
  readonly #logger: Logger;

  constructor(metrics: Metrics, tags: MetricTags, logger: Logger) {
    this.#metrics = metrics;
    this.#tags = tags;
    this.#logger = logger;
  }

  count(reason: DroppedReason, site: () => ErrorSite): void {
    let counter = this.#counters.get(reason);
    if (counter === undefined) {
      counter = this.#metrics.counter('dropped-records-total', { ...this.#tags, reason });
      this.#counters.set(reason, counter);
      this.#logger.warn(
        { ...site(), reason },
        'a record was dropped; further ones are only counted',
      );
    }
    counter.add(1);
  }
}
