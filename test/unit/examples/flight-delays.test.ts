import fc from 'fast-check';
import { serdes } from 'millrace';
import { TopologyTestDriver } from 'millrace/testing';
import type { Flights } from '../../../examples/flight-delays/data.ts';
import { expectedDays } from '../../../examples/flight-delays/expected.ts';
import {
  flightDelays,
  type Airport,
  type AirportDay,
  type Flight,
} from '../../../examples/flight-delays/topology.ts';

const HOUR_MS = 3_600_000;
const AIRPORTS = [
  { iata: 'ORD', name: "Chicago O'Hare International", city: 'Chicago', state: 'IL' },
  { iata: 'SFO', name: 'San Francisco International', city: 'San Francisco', state: 'CA' },
];

interface Departure {
  readonly origin: string;
  readonly timeMs: number;
  readonly delay: number;
}

/** Runs the topology over the departures in their order; the last value of each key, and how many were dropped. */
async function run(departures: readonly Departure[], grace: string) {
  await using driver = await TopologyTestDriver.create(flightDelays({ grace }));
  const airports = driver.createInputTopic('airports', {
    key: serdes.string,
    value: serdes.json<Airport>(),
  });
  const flights = driver.createInputTopic('flights', {
    key: serdes.string,
    value: serdes.json<Flight>(),
  });
  const output = driver.createOutputTopic('airport-days', {
    key: serdes.string,
    value: serdes.json<AirportDay>(),
  });
  for (const { iata, ...value } of AIRPORTS) {
    await airports.pipe({ key: iata, value, timestampMs: 0 });
  }
  for (const { origin, timeMs, delay } of departures) {
    const value = { destination: 'LAX', delay, distance: 1 };
    await flights.pipe({ key: origin, value, timestampMs: timeMs });
  }
  const days = new Map(output.readRecords().map(({ key, value }) => [key, value]));
  return { days, dropped: driver.counter('dropped-records-total') };
}

describe('the flight delays topology', () => {
  test('a flight joins its airport and counts for its day', async () => {
    const { days } = await run(
      [
        { origin: 'SFO', timeMs: HOUR_MS, delay: 30 },
        { origin: 'SFO', timeMs: 2 * HOUR_MS, delay: -10 },
        { origin: 'SFO', timeMs: 25 * HOUR_MS, delay: 0 },
      ],
      '6h',
    );
    const airport = 'San Francisco International';
    expect(Object.fromEntries(days)).toEqual({
      'SFO 1970-01-01': { airport, flights: 2, meanDelay: 10, worstDelay: 30, lateShare: 0.5 },
      'SFO 1970-01-02': { airport, flights: 1, meanDelay: 0, worstDelay: 0, lateShare: 0 },
    });
  });

  test('it gives what the direct computation gives, for any flights in any order', async () => {
    const departure = fc.record({
      origin: fc.constantFrom('ORD', 'SFO', 'XXX'),
      timeMs: fc.nat(72 * HOUR_MS),
      delay: fc.integer({ min: -60, max: 600 }),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(departure), fc.nat(6), async (departures, graceHours) => {
        const expected = expectedDays({
          flights: columns(departures),
          airports: AIRPORTS,
          order: Uint32Array.from(departures, (_, row) => row),
          partitionOf: () => 0,
          partitions: 1,
          graceMs: graceHours * HOUR_MS,
        });
        const { days, dropped } = await run(departures, `${graceHours}h`);
        expect(days).toEqual(expected.days);

        expect(dropped).toBe(expected.dropped);
      }),
      { numRuns: 50 },
    );
  });
});

function columns(departures: readonly Departure[]): Flights {
  return {
    count: departures.length,
    timesMs: Float64Array.from(departures, ({ timeMs }) => timeMs),
    delays: Int16Array.from(departures, ({ delay }) => delay),
    distances: new Int16Array(departures.length),
    origins: departures.map(({ origin }) => origin),
    destinations: departures.map(() => 'LAX'),
  };
}
