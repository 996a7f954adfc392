import fc from 'fast-check';
import { arrivalOrder } from '../../../examples/flight-delays/arrivals.ts';
import type { Flights } from '../../../examples/flight-delays/data.ts';
import { expectedDays } from '../../../examples/flight-delays/expected.ts';

const HOUR_MS = 3_600_000;
const AIRPORTS = ['ORD', 'SFO'].map((iata) => ({
  iata,
  name: `${iata} International`,
  city: '',
  state: '',
}));

/** Flights written `ORD@23:10` (of the first day) or `SFO@25:00+90` (90 minutes late). */
function flightsOf(...texts: string[]): Flights {
  const parsed = texts.map((text) => {
    const [, origin = '', hours = '', minutes = '', delay = '0'] =
      /^(\w+)@(\d+):(\d+)(?:\+(-?\d+))?$/.exec(text) ?? [];
    return {
      origin,
      timeMs: Number(hours) * HOUR_MS + Number(minutes) * 60_000,
      delay: Number(delay),
    };
  });
  return {
    count: parsed.length,
    timesMs: Float64Array.from(parsed, ({ timeMs }) => timeMs),
    delays: Int16Array.from(parsed, ({ delay }) => delay),
    distances: new Int16Array(parsed.length),
    origins: parsed.map(({ origin }) => origin),
    destinations: parsed.map(() => 'LAX'),
  };
}

function computed(
  flights: Flights,
  graceMs = 0,
  partitionOf: (origin: string) => number = () => 0,
) {
  const order = Uint32Array.from({ length: flights.count }, (_, row) => row);
  return expectedDays({ flights, airports: AIRPORTS, order, partitionOf, partitions: 2, graceMs });
}

describe('the order of arrival', () => {
  const displacement = { share: 0.3, maxDelayMs: 6 * HOUR_MS, seed: 7 };
  const sortedFlights = fc.array(fc.nat(200_000_000), { maxLength: 60 }).map((times): Flights => {
    const timesMs = Float64Array.from(times).sort();
    const zeros = new Int16Array(times.length);
    const origins = times.map(() => 'ORD');
    return {
      count: times.length,
      timesMs,
      delays: zeros,
      distances: zeros,
      origins,
      destinations: origins,
    };
  });

  test('every flight arrives once, less than the longest delay behind the latest before it', () => {
    fc.assert(
      fc.property(sortedFlights, (flights) => {
        const order = arrivalOrder(flights, displacement);
        expect([...order].sort((a, b) => a - b)).toEqual([...Array(flights.count).keys()]);
        let latestMs = 0;
        for (const row of order) {
          const timeMs = flights.timesMs[row] ?? 0;
          latestMs = Math.max(latestMs, timeMs);
          expect(latestMs - timeMs).toBeLessThan(displacement.maxDelayMs);
        }
      }),
    );
  });

  test('a seed gives one order, and about the share that it asks for is late', () => {
    const times = Array.from({ length: 2000 }, (_, i) => `ORD@${i}:00`);
    const flights = flightsOf(...times);
    const order = arrivalOrder(flights, displacement);
    expect(arrivalOrder(flights, displacement)).toEqual(order);
    expect(arrivalOrder(flights, { ...displacement, seed: 8 })).not.toEqual(order);
    const late = order.filter((row, i) => row < Math.max(...order.subarray(0, i)));
    expect(late.length / order.length).toBeGreaterThan(0.2);
    expect(late.length / order.length).toBeLessThan(0.3);
  });
});

describe('the direct computation', () => {
  test('a day has its count, mean, worst delay and share of flights 15 minutes late or more', () => {
    const { days, dropped } = computed(
      flightsOf('ORD@1:00+14', 'ORD@2:00+15', 'ORD@3:00+-5', 'SFO@4:00+1', 'ORD@24:00+60'),
    );
    expect(Object.fromEntries(days)).toEqual({
      'ORD 1970-01-01': {
        airport: 'ORD International',
        flights: 3,
        meanDelay: 8,
        worstDelay: 15,
        lateShare: 1 / 3,
      },
      'SFO 1970-01-01': {
        airport: 'SFO International',
        flights: 1,
        meanDelay: 1,
        worstDelay: 1,
        lateShare: 0,
      },
      'ORD 1970-01-02': {
        airport: 'ORD International',
        flights: 1,
        meanDelay: 60,
        worstDelay: 60,
        lateShare: 1,
      },
    });
    expect(dropped).toBe(0);
  });

  test('a day closes when its partition has seen its end plus the grace period', () => {
    const flights = flightsOf('ORD@24:59', 'ORD@23:00', 'ORD@25:00', 'ORD@23:30');
    expect(computed(flights, HOUR_MS).dropped).toBe(1);
    expect(computed(flights, HOUR_MS).days.get('ORD 1970-01-01')?.flights).toBe(1);
  });

  test('what another partition has seen closes nothing', () => {
    const flights = flightsOf('SFO@30:00', 'ORD@23:00');
    expect(computed(flights, 0, () => 0).dropped).toBe(1);
    const partitionOf = (origin: string): number => (origin === 'SFO' ? 1 : 0);
    expect(computed(flights, 0, partitionOf).dropped).toBe(0);
  });

  test('a flight from an unknown airport counts nowhere and closes nothing', () => {
    const { days, dropped } = computed(flightsOf('XXX@30:00', 'ORD@23:00'));
    expect([...days.keys()]).toEqual(['ORD 1970-01-01']);
    expect(dropped).toBe(0);
  });
});
