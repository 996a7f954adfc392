import type { Producer } from '../../src/client/producer.ts';
import { defaultPartition } from '../../src/common/murmur2.ts';
import { NO_HEADERS } from '../../src/common/record.ts';
import type { AirportRow, Flights } from './data.ts';
import type { Airport } from './topology.ts';

/** Before the first flight, so that every flight finds its airport. */
const AIRPORTS_TIME_MS = Date.UTC(2001, 0, 1);
const DRAIN_EVERY = 1_000;

const encoder = new TextEncoder();

/** The partition of a key, as Java's producer and ours choose it. */
export function partitionOf(key: string, partitions: number): number {
  return defaultPartition(encoder.encode(key), partitions);
}

export interface LoadOptions {
  readonly producer: Producer;
  readonly topic: string;
  readonly partitions: number;
  readonly signal: AbortSignal;
}

export async function loadAirports(
  airports: readonly AirportRow[],
  { producer, topic, partitions }: LoadOptions,
): Promise<void> {
  await producer.prepareTopics([topic]);
  for (const { iata, name, city, state } of airports) {
    const key = encoder.encode(iata);
    const airport: Airport = { name, city, state };
    const value = encoder.encode(JSON.stringify(airport));
    const partition = defaultPartition(key, partitions);
    producer.append(topic, partition, key, value, AIRPORTS_TIME_MS, NO_HEADERS);
  }
  await producer.flush();
}

/** Writes the flights in the order of their arrival, each with its time of departure as its timestamp. */
export async function loadFlights(
  flights: Flights,
  order: Uint32Array,
  options: LoadOptions & { readonly onProgress: (written: number) => void },
): Promise<void> {
  const { producer, topic, partitions, signal, onProgress } = options;
  const { timesMs, delays, distances, origins, destinations } = flights;
  const keys = new Map<string, { readonly bytes: Uint8Array; readonly partition: number }>();
  await producer.prepareTopics([topic]);

  let written = 0;
  for (const row of order) {
    const origin = origins[row] ?? '';
    let key = keys.get(origin);
    if (key === undefined) {
      key = { bytes: encoder.encode(origin), partition: partitionOf(origin, partitions) };
      keys.set(origin, key);
    }
    const destination = destinations[row] ?? '';
    // A `Flight`, written out: JSON.stringify would take four times as long.
    const json = `{"destination":"${destination}","delay":${delays[row] ?? 0},"distance":${distances[row] ?? 0}}`;
    const value = Buffer.from(json, 'latin1');
    producer.append(topic, key.partition, key.bytes, value, timesMs[row] ?? 0, NO_HEADERS);
    written++;
    if (written % DRAIN_EVERY === 0) {
      signal.throwIfAborted();
      producer.poke();
      if (producer.isFull) await producer.drain();
      onProgress(written);
    }
  }
  await producer.flush();
  onProgress(written);
}
