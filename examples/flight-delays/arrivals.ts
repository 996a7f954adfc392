import type { Flights } from './data.ts';

export interface Displacement {
  /** Of all flights, how many are reported late, from 0 to 1. */
  readonly share: number;
  readonly maxDelayMs: number;
  readonly seed: number;
}

/**
 * The order in which the flights reach the topic: row numbers of `flights`.
 *
 * A displaced flight is reported up to `maxDelayMs` after its event time, which is when all flights up to that moment
 * have been reported; the others are reported at once. So no flight arrives more than `maxDelayMs` of event time
 * behind the latest flight before it, whatever the partition. The same seed gives the same order.
 */
export function arrivalOrder(flights: Flights, displacement: Displacement): Uint32Array {
  const { count, timesMs } = flights;
  const random = mulberry32(displacement.seed);
  const onTime: number[] = [];
  const displaced: { row: number; reportedMs: number }[] = [];
  for (let row = 0; row < count; row++) {
    if (random() >= displacement.share) onTime.push(row);
    else {
      const delayMs = Math.floor(random() * displacement.maxDelayMs);
      displaced.push({ row, reportedMs: (timesMs[row] ?? 0) + delayMs });
    }
  }
  displaced.sort((a, b) => a.reportedMs - b.reportedMs || a.row - b.row);

  // Two sorted lists become one.
  const order = new Uint32Array(count);
  let next = 0;
  let position = 0;
  for (const row of onTime) {
    const timeMs = timesMs[row] ?? 0;
    for (; next < displaced.length; next++) {
      const late = displaced[next];
      if (late === undefined || late.reportedMs >= timeMs) break;
      order[position++] = late.row;
    }
    order[position++] = row;
  }
  for (; next < displaced.length; next++) order[position++] = displaced[next]?.row ?? 0;
  return order;
}

/** A small seeded generator of numbers in [0, 1). */
function mulberry32(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
