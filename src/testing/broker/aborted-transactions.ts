/** A transaction that was aborted on a partition: of whom, and from where to where its records can lie. */
export interface AbortedRange {
  readonly producerId: number;
  readonly firstOffset: number;
  /** Of its marker. */
  readonly lastOffset: number;
}

/**
 * The aborted transactions of one partition, in the order of their markers, which is not that of their first offsets:
 * readers have to sort.
 *
 * Source: `TransactionIndex` of Kafka.
 */
export class AbortedTransactions {
  #ranges: AbortedRange[] = [];

  add(range: AbortedRange): void {
    this.#ranges.push(range);
  }

  /** All that overlap `[start, end)`; a reader gets entries that match none of its records, and has to bear it. */
  overlapping(start: number, end: number): readonly AbortedRange[] {
    return this.#ranges.filter(
      ({ firstOffset, lastOffset }) => lastOffset >= start && firstOffset < end,
    );
  }

  /** Forgets what lies before the start of the log. */
  dropBefore(offset: number): void {
    this.#ranges = this.#ranges.filter(({ lastOffset }) => lastOffset >= offset);
  }
}
