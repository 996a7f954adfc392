import { StreamsError } from './errors.ts';

/** Milliseconds, or text such as `'250ms'`, `'5s'`, `'10m'`, `'1h'`, `'7d'`. */
export type Duration = number | string;

const MS_PER_UNIT: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

/**
 * A duration in whole milliseconds.
 *
 * Errors: `STREAMS_CONFIG`, naming `option`, for text that is no duration and for a number that is negative,
 * fractional or not safe.
 */
export function parseDuration(duration: Duration, option: string): number {
  const ms = typeof duration === 'number' ? duration : parseText(duration);
  if (Number.isSafeInteger(ms) && ms >= 0) return ms;
  throw new StreamsError(
    'STREAMS_CONFIG',
    `'${duration}' is not a duration: give whole milliseconds or text such as '500ms', '30s', '5m', '1h' or '7d'`,
    { site: { option } },
  );
}

function parseText(text: string): number {
  const [, amount, unit] = /^(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)$/.exec(text.trim()) ?? [];
  if (amount === undefined || unit === undefined) return Number.NaN;
  return Number(amount) * (MS_PER_UNIT[unit] ?? Number.NaN);
}
