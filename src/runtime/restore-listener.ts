/** One store of one task that is being rebuilt from its changelog partition. */
export interface RestoreEvent {
  readonly taskId: string;
  readonly store: string;
  readonly topic: string;
  readonly partition: number;
  /** Offset of the next record to read. */
  readonly offset: number;
  /** The restore is over when `offset` reaches this. */
  readonly endOffset: number;
  /** Records applied since the start of this restore. */
  readonly restoredRecords: number;
}

/**
 * Gets the progress of restores, in order for each store: one `start`, a `batch` for each batch that is on disk, one
 * `end`. A restore that a rebalance or an error cuts off has no `end`. A listener that throws is logged and stops nothing.
 *
 * Source: `org.apache.kafka.streams.processor.StateRestoreListener`.
 */
export interface RestoreListener {
  start?(event: RestoreEvent): void;
  batch?(event: RestoreEvent): void;
  end?(event: RestoreEvent): void;
}
