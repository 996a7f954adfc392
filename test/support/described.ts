import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** What a Java program of `test/fixtures/describe` has printed, by the name of the topology. */
export function describedByKafkaStreams(file: string): ReadonlyMap<string, string> {
  const text = readFileSync(join(__dirname, '../fixtures/describe', file), 'utf8');
  const sections = text
    .split('== ')
    .slice(1)
    .map((section) => {
      const end = section.indexOf('\n');
      return [section.slice(0, end), section.slice(end + 1)] as const;
    });
  return new Map(sections);
}
