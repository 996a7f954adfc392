import type { Admin } from '../client/admin.ts';
import type { PartitionOffset } from '../client/committed-offsets.ts';
import type { Clock } from '../common/clock.ts';
import { partitionKey } from '../common/topic-partition.ts';
import type { Logger } from '../observability/logger.ts';

export interface RepartitionPurgeOptions {
  readonly admin: Pick<Admin, 'deleteRecords'>;
  readonly intervalMs: number;
  /** Topics that this application makes and may delete from; never a user's topic. */
  readonly isRepartitionTopic: (topic: string) => boolean;
  readonly clock: Clock;
  readonly logger: Logger;
}

/**
 * Deletes what every reader of a repartition topic has committed, every interval: those topics keep records for ever
 * otherwise (`retention.ms=-1`).
 *
 * It is told offsets only after their commit has succeeded (I10): the broker deletes whatever it is asked to, also
 * inside an open transaction. A purge that fails is tried again at the next interval, with newer offsets, and is never
 * an error of the application: a missing ACL costs disk, not data.
 */
export class RepartitionPurge {
  readonly #options: RepartitionPurgeOptions;
  readonly #committed = new Map<string, PartitionOffset>();
  readonly #purged = new Map<string, number>();
  #dueMs: number;
  #running: Promise<void> | null = null;

  constructor(options: RepartitionPurgeOptions) {
    this.#options = options;
    this.#dueMs = options.clock.monotonicMs() + options.intervalMs;
  }

  /** Takes the offsets of a commit that has succeeded. */
  committed(offsets: readonly PartitionOffset[]): void {
    for (const offset of offsets) {
      if (!this.#options.isRepartitionTopic(offset.topic)) continue;
      this.#committed.set(partitionKey(offset.topic, offset.partition), offset);
    }
  }

  /** Starts a purge if it is time for one; does not wait for it. */
  maybePurge(): void {
    const nowMs = this.#options.clock.monotonicMs();
    if (nowMs < this.#dueMs || this.#running !== null) return;
    this.#dueMs = nowMs + this.#options.intervalMs;
    const due = [...this.#committed].filter(
      ([partition, { offset }]) => offset > (this.#purged.get(partition) ?? 0),
    );
    if (due.length === 0) return;
    this.#running = this.#purge(new Map(due)).finally(() => {
      this.#running = null;
    });
  }

  /** Forgets partitions that somebody else owns now: their new owner purges them. */
  forget(): void {
    this.#committed.clear();
    this.#purged.clear();
  }

  /** Resolves when no purge is under way. */
  async settled(): Promise<void> {
    await this.#running;
  }

  async #purge(due: ReadonlyMap<string, PartitionOffset>): Promise<void> {
    try {
      const refused = await this.#options.admin.deleteRecords([...due.values()]);
      for (const [partition, { offset }] of due) {
        if (!refused.has(partition)) this.#purged.set(partition, offset);
      }
      const [error] = refused.values();
      if (error !== undefined) this.#warn(error, [...refused.keys()]);
    } catch (error) {
      this.#warn(error, [...due.keys()]);
    }
  }

  #warn(error: unknown, partitions: readonly string[]): void {
    this.#options.logger.warn({ err: error, partitions }, 'repartition topics were not purged');
  }
}
