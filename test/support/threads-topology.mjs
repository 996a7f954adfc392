// A topology module: counts as the counting application does. Its topics, and how it misbehaves, are in its URL's query.
import { existsSync, writeFileSync } from 'node:fs';
import { serdes } from 'millrace';

const query = new URL(import.meta.url).searchParams;

export function topology(builder) {
  const text = { key: serdes.string, value: serdes.string };
  builder
    .stream(query.get('input'), text)
    .peek((_, value) => {
      if (value === 'throw') throw new Error('this value is refused');
      if (value === 'die' && dieOnce()) process.exit(7);
    })
    .groupBy((_, value) => value, text)
    .count({ store: 'counts' })
    .toStream()
    .to(query.get('output'), { key: serdes.string, value: serdes.long });
}

export const uncaughtExceptionHandler = () => query.get('handler') ?? 'shutdownClient';

/** True in the first worker that comes here. */
function dieOnce() {
  const trace = query.get('trace');
  if (existsSync(trace)) return false;
  writeFileSync(trace, '');
  return true;
}
