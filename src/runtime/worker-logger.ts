import { receiveError, transferError } from '../common/error-transfer.ts';
import type { Logger } from '../observability/logger.ts';
import type { LogLine, WorkerPort } from './worker-messages.ts';

/** Sends log lines to the main thread. A field that cannot cross goes as text, and an error as data. */
export function forwardingLogger(port: WorkerPort): Logger {
  const send =
    (level: LogLine['level']) =>
    (fields: object, message: string): void => {
      const { err, ...others } = fields as Readonly<Record<string, unknown>>;
      const error = err === undefined ? null : transferError(err);
      port.send({ kind: 'log', line: { level, fields: textOf(others), error, message } });
    };
  return { debug: send('debug'), info: send('info'), warn: send('warn'), error: send('error') };
}

/** Writes a line that was sent so. */
export function writeLine(logger: Logger, { level, fields, error, message }: LogLine): void {
  logger[level](error === null ? fields : { ...fields, err: receiveError(error) }, message);
}

/** Plain values as they are; of the rest, what JSON makes of them. */
function textOf(fields: Readonly<Record<string, unknown>>): LogLine['fields'] {
  const entries = Object.entries(fields).map(([name, value]) => {
    const isPlain = value === null || ['string', 'number', 'boolean'].includes(typeof value);
    return [name, isPlain ? value : jsonOf(value)];
  });
  return Object.fromEntries(entries) as LogLine['fields'];
}

function jsonOf(value: unknown): unknown {
  try {
    const text = JSON.stringify(value) as string | undefined;
    return text === undefined ? String(value) : JSON.parse(text);
  } catch {
    return String(value); // a circle, a bigint
  }
}
