import { readFileSync } from 'node:fs';
import type { Serde } from 'millrace';

/** The clocks of this process at one moment. */
export interface Mark {
  readonly wallMs: number;
  /** User and system time of all its threads. */
  readonly cpuMs: number;
  /** Input records read before it. */
  readonly records: number;
}

/**
 * Counts the input records that an application reads, and notes the clocks at the first one and at the middle one.
 * It sits in the serde of the input's values, or in the first function that gets them: that costs about a nanosecond a
 * record and nothing of it is left out of the figures.
 */
export class Probe {
  records = 0;
  first: Mark | null = null;
  middle: Mark | null = null;
  readonly #half: number;
  #next = 1;

  /** `total`: how many records the input has. */
  constructor(total: number) {
    this.#half = Math.max(2, Math.ceil(total / 2));
  }

  counting<T>(serde: Serde<T>): Serde<T> {
    const deserializeAt = serde.deserializeAt?.bind(serde);
    return {
      ...serde,
      deserialize: (bytes, site) => {
        this.count();
        return serde.deserialize(bytes, site);
      },
      ...(deserializeAt === undefined
        ? {}
        : {
            deserializeAt: (buffer, start, end, site): T => {
              this.count();
              return deserializeAt(buffer, start, end, site);
            },
          }),
    };
  }

  count(): void {
    if (++this.records === this.#next) this.#note();
  }

  #note(): void {
    const mark = markNow(this.records - 1);
    if (this.first === null) this.first = mark;
    else this.middle = mark;
    this.#next = this.middle === null ? this.#half : Infinity;
  }
}

export function markNow(records: number): Mark {
  const { user, system } = process.cpuUsage();
  return { wallMs: performance.now(), cpuMs: (user + system) / 1000, records };
}

/** The most memory that this process ever had, in MiB; from the kernel where it tells. */
export function peakRssMiB(): number {
  try {
    const status = readFileSync('/proc/self/status', 'latin1');
    const kilobytes = /^VmHWM:\s+(\d+)/m.exec(status)?.[1];
    if (kilobytes !== undefined) return Number(kilobytes) / 1024;
  } catch {
    // Not Linux: getrusage says the same, less exactly.
  }
  return process.resourceUsage().maxRSS / 1024;
}
