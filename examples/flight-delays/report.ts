import { whole } from './progress.ts';
import type { AirportDay } from './topology.ts';

const ROWS = 10;
const CHART_WIDTH = 40;

interface Total {
  readonly label: string;
  readonly flights: number;
  readonly meanDelay: number;
  readonly worstDelay: number;
  readonly lateShare: number;
}

/** What a reader wants to know: the airports and the days with the longest delays, of those with enough flights. */
export function report(days: ReadonlyMap<string, AirportDay>): string {
  const flights = [...days.values()].reduce((sum, day) => sum + day.flights, 0);
  const airports = totals(days, (key, day) => `${key.slice(0, -11)}  ${day.airport}`);
  const dates = totals(days, (key) => key.slice(-10));
  const lines = [
    `${whole(flights)} flights, ${whole(airports.length)} airports, ${whole(dates.length)} days`,
    '',
    'Airports with the longest delays',
    '',
    ...table(worst(airports)),
    '',
    'Days with the longest delays (mean, minutes)',
    '',
    ...chart(worst(dates)),
  ];
  return lines.join('\n');
}

function totals(
  days: ReadonlyMap<string, AirportDay>,
  labelOf: (key: string, day: AirportDay) => string,
): Total[] {
  const groups = new Map<string, AirportDay[]>();
  for (const [key, day] of days) {
    const label = labelOf(key, day);
    const group = groups.get(label);
    if (group === undefined) groups.set(label, [day]);
    else group.push(day);
  }
  return [...groups].map(([label, group]) => {
    const flights = group.reduce((sum, day) => sum + day.flights, 0);
    const weigh = (valueOf: (day: AirportDay) => number): number =>
      group.reduce((sum, day) => sum + valueOf(day) * day.flights, 0) / flights;
    return {
      label,
      flights,
      meanDelay: weigh((day) => day.meanDelay),
      worstDelay: group.reduce((longest, day) => Math.max(longest, day.worstDelay), -Infinity),
      lateShare: weigh((day) => day.lateShare),
    };
  });
}

/** An airport or a day with a handful of flights says nothing, so those with a tenth of the mean are left out. */
function worst(all: readonly Total[]): Total[] {
  const enough = all.reduce((sum, { flights }) => sum + flights, 0) / all.length / 10;
  return all
    .filter(({ flights }) => flights >= enough)
    .sort((a, b) => b.meanDelay - a.meanDelay)
    .slice(0, ROWS);
}

function table(rows: readonly Total[]): string[] {
  const header = `  ${'airport'.padEnd(42)}${'flights'.padStart(9)}${'mean'.padStart(8)}${'worst'.padStart(8)}${'late'.padStart(7)}`;
  const lines = rows.map(({ label, flights, meanDelay, worstDelay, lateShare }) =>
    [
      `  ${label.slice(0, 41).padEnd(42)}`,
      whole(flights).padStart(9),
      meanDelay.toFixed(1).padStart(8),
      whole(worstDelay).padStart(8),
      `${(lateShare * 100).toFixed(0)} %`.padStart(7),
    ].join(''),
  );
  return [header, ...lines];
}

function chart(rows: readonly Total[]): string[] {
  const longest = Math.max(1, ...rows.map(({ meanDelay }) => meanDelay));
  return rows.map(({ label, meanDelay }) => {
    const bar = '▇'.repeat(Math.max(0, Math.round((meanDelay / longest) * CHART_WIDTH)));
    return `  ${label}  ${bar.padEnd(CHART_WIDTH)} ${meanDelay.toFixed(1).padStart(6)}`;
  });
}
