import { StreamsError } from '../common/errors.ts';

/** How many partitions topics have: all of them as many, or those that are named; others have one. */
export type PartitionsOption = number | Readonly<Record<string, number>>;

/** The partition counts of a driver's topics. */
export class TopicLayout {
  readonly #partitions: PartitionsOption;
  /** Of internal topics, by the names that the cluster would have. */
  readonly #internal = new Map<string, number>();

  /** Errors: `STREAMS_CONFIG` for a count below 1. */
  constructor(partitions: PartitionsOption) {
    const counts = typeof partitions === 'number' ? [partitions] : Object.values(partitions);
    const wrong = counts.find((count) => !(Number.isInteger(count) && count > 0));
    if (wrong !== undefined) {
      throw new StreamsError(
        'STREAMS_CONFIG',
        `a topic cannot have ${wrong} partitions: give 1 or more`,
        {
          site: { option: 'partitions' },
        },
      );
    }
    this.#partitions = partitions;
  }

  count(topic: string): number {
    const internal = this.#internal.get(topic);
    if (internal !== undefined) return internal;
    return typeof this.#partitions === 'number' ? this.#partitions : (this.#partitions[topic] ?? 1);
  }

  setInternal(topic: string, count: number): void {
    this.#internal.set(topic, count);
  }
}
