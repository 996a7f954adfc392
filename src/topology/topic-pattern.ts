/**
 * A regular expression for names of topics. It has to match the whole name, as in Kafka Streams: `/orders-.+/` takes
 * `orders-eu` and not `old-orders-eu`.
 */
export class TopicPattern {
  /** As it was written, without slashes and flags. */
  readonly text: string;
  readonly #whole: RegExp;

  constructor(pattern: RegExp) {
    this.text = pattern.source;
    // `g` and `y` would make it remember where the last match ended.
    this.#whole = new RegExp(`^(?:${pattern.source})$`, pattern.flags.replace(/[gy]/g, ''));
  }

  matches(topic: string): boolean {
    return this.#whole.test(topic);
  }

  equals(other: TopicPattern): boolean {
    return String(this.#whole) === String(other.#whole);
  }
}
