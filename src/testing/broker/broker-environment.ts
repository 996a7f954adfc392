import type { Clock, Random, Timers } from '../../common/clock.ts';
import type { CompressionCodecs } from '../../wire/compression.ts';
import type { Crc32c } from '../../wire/crc32c.ts';

/** What the embedded broker gets from outside: with virtual time and a seed it does the same in every run. */
export interface BrokerEnvironment {
  readonly clock: Clock;
  readonly timers: Timers;
  readonly random: Random;
  readonly crc32c: Crc32c;
  readonly codecs: CompressionCodecs;
}
