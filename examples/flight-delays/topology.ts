import { serdes, StreamsBuilder, TimeWindows, type Topology } from 'millrace';

/** One departure, keyed by the airport it leaves from; the record's timestamp is the time of departure. */
export interface Flight {
  readonly destination: string;
  /** Minutes; negative when it left early. */
  readonly delay: number;
  readonly distance: number;
}

/** Keyed by IATA code. */
export interface Airport {
  readonly name: string;
  readonly city: string;
  readonly state: string;
}

/** One day of one airport, keyed `SFO 2001-02-19`. */
export interface AirportDay {
  readonly airport: string;
  readonly flights: number;
  readonly meanDelay: number;
  readonly worstDelay: number;
  /** Of all flights of the day, how many left 15 minutes late or more: 0 to 1. */
  readonly lateShare: number;
}

interface Sums {
  readonly airport: string;
  readonly flights: number;
  readonly totalDelay: number;
  readonly worstDelay: number;
  readonly lateFlights: number;
}

export interface FlightDelaysOptions {
  /** How much later than its day a flight may be reported and still count. */
  readonly grace?: string;
  /** Before the names of the topics, where several applications share a cluster. */
  readonly prefix?: string;
}

/** The flights of 2001 are older than any retention: what is kept of them is kept for good. */
const FOREVER = { config: { 'retention.ms': '-1' } };

export function flightDelays({ grace = '6h', prefix = '' }: FlightDelaysOptions = {}): Topology {
  const builder = new StreamsBuilder();

  const airports = builder.table(`${prefix}airports`, {
    key: serdes.string,
    value: serdes.json<Airport>(),
  });

  builder
    .stream(`${prefix}flights`, { key: serdes.string, value: serdes.json<Flight>() })
    .join(airports, (flight, airport) => ({ delay: flight.delay, airport: airport.name }))
    .groupByKey()
    .windowedBy(TimeWindows.of({ size: '1d', grace }))
    .aggregate(
      () => NO_FLIGHTS,
      (_, { delay, airport }, sums) => ({
        airport,
        flights: sums.flights + 1,
        totalDelay: sums.totalDelay + delay,
        worstDelay: Math.max(sums.worstDelay, delay),
        lateFlights: sums.lateFlights + (delay >= 15 ? 1 : 0),
      }),
      { store: 'airport-days', value: serdes.json<Sums>(), logging: FOREVER },
    )
    .toStream()
    .map((day, sums) => [`${day.key} ${dateOf(day.startMs)}`, summary(sums)])
    .to(`${prefix}airport-days`, { key: serdes.string, value: serdes.json<AirportDay>() });

  return builder.build();
}

const NO_FLIGHTS: Sums = {
  airport: '',
  flights: 0,
  totalDelay: 0,
  worstDelay: -Infinity,
  lateFlights: 0,
};

function summary({ airport, flights, totalDelay, worstDelay, lateFlights }: Sums): AirportDay {
  return {
    airport,
    flights,
    meanDelay: totalDelay / flights,
    worstDelay,
    lateShare: lateFlights / flights,
  };
}

function dateOf(timeMs: number): string {
  return new Date(timeMs).toISOString().slice(0, 10);
}
