export interface RateOptions {
  /** What one call of what `prepare` gives does of what is counted. */
  readonly operations: number;
  readonly rounds?: number;
  /** Called before each round, so that a round may begin with nothing; what it gives is measured. */
  readonly prepare: () => Measured | Promise<Measured>;
}

type Measured = () => unknown;

const WARM_UP_ROUNDS = 2;
const DEFAULT_ROUNDS = 9;
/** A round that is over sooner is repeated within it: the clock of CPU time ticks once in a while only. */
const MIN_ROUND_MICROS = 100_000;

/**
 * Prints millions of operations a second of CPU time, garbage collection on other threads included, so that a busy
 * machine does not matter: the median of the rounds, with the slowest and the fastest.
 */
export async function rate(name: string, options: RateOptions): Promise<void> {
  const { operations, prepare, rounds = DEFAULT_ROUNDS } = options;
  const rates: number[] = [];
  for (let round = -WARM_UP_ROUNDS; round < rounds; round++) {
    let micros = 0;
    let runs = 0;
    while (micros < MIN_ROUND_MICROS) {
      const run = await prepare();
      const start = process.cpuUsage();
      await run();
      const { user, system } = process.cpuUsage(start);
      micros += user + system;
      runs++;
    }
    if (round >= 0) rates.push((runs * operations) / micros);
  }
  rates.sort((a, b) => a - b);
  const at = (index: number): string => (rates[index] ?? 0).toFixed(2);
  const median = at(Math.floor(rates.length / 2)).padStart(8);
  console.log(`${name.padEnd(64)}${median} M/s  (${at(0)} to ${at(rates.length - 1)})`);
}
