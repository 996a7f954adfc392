import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import path from 'node:path';
import { asyncBufferFromFile, parquetRead } from 'hyparquet';
import { compressors } from 'hyparquet-compressors';

/**
 * Departures in the file's order, which is that of their dates. Row n is entry n of each column.
 *
 * The file's dates carry no zone; they are taken as UTC throughout, so that a day is a day of 24 hours. Delays are in
 * minutes and negative for a flight that left early.
 */
export interface Flights {
  readonly count: number;
  readonly timesMs: Float64Array;
  readonly delays: Int16Array;
  readonly distances: Int16Array;
  readonly origins: readonly string[];
  readonly destinations: readonly string[];
}

export interface AirportRow {
  readonly iata: string;
  readonly name: string;
  readonly city: string;
  readonly state: string;
}

/** The first `limit` flights of the first half of 2001: three million in all. */
export async function readFlights(limit: number): Promise<Flights> {
  const file = await asyncBufferFromFile(dataFile('flights-3m.parquet'));
  const timesMs = new Float64Array(limit);
  const delays = new Int16Array(limit);
  const distances = new Int16Array(limit);
  const origins = new Array<string>(limit).fill('');
  const destinations = new Array<string>(limit).fill('');

  let count = 0;
  const numbers: Record<string, Float64Array | Int16Array> = {
    date: timesMs,
    delay: delays,
    distance: distances,
  };
  const texts: Record<string, string[]> = { origin: origins, destination: destinations };
  await parquetRead({
    file,
    compressors,
    rowEnd: limit,
    parsers: { timestampFromMicroseconds: (micros) => Number(micros / 1000n) },
    // Row groups come in any order and may reach past the limit.
    onChunk({ columnName, columnData, rowStart }) {
      const rows = Math.min(columnData.length, limit - rowStart);
      const column = numbers[columnName];
      const text = texts[columnName];
      for (let row = 0; row < rows; row++) {
        if (column) column[rowStart + row] = Number(columnData[row]);
        if (text) text[rowStart + row] = String(columnData[row]);
      }
      count = Math.max(count, rowStart + rows);
    },
  });
  return {
    count,
    timesMs: timesMs.subarray(0, count),
    delays,
    distances,
    origins,
    destinations,
  };
}

/** All airports of the file; every flight's origin is among them. */
export async function readAirports(): Promise<readonly AirportRow[]> {
  const text = await readFile(dataFile('airports.csv'), 'utf8');
  const [, ...lines] = text.trim().split('\n');
  return lines.map((line) => {
    const [iata = '', name = '', city = '', state = ''] = splitCsvLine(line);
    return { iata, name, city, state };
  });
}

/** The fields of one line of CSV: a field that holds a comma is quoted, a quote in it doubled. */
function splitCsvLine(line: string): string[] {
  const fields = line.match(/("([^"]|"")*"|[^,]*)(,|$)/g) ?? [];
  return fields.map((field) => {
    const bare = field.endsWith(',') ? field.slice(0, -1) : field;
    return bare.startsWith('"') ? bare.slice(1, -1).replaceAll('""', '"') : bare;
  });
}

function dataFile(name: string): string {
  const require = createRequire(import.meta.url);
  // The package exports no path to its data, so they are found beside its entry point.
  const entry = require.resolve('vega-datasets');
  return path.join(path.dirname(entry), '..', 'data', name);
}
