import { readFileSync } from 'node:fs';
import path from 'node:path';
import { parseStreamsConfig } from '../../src/runtime/streams-config.ts';

const text = readFileSync(path.join(__dirname, '../../docs/configuration.md'), 'utf8');
const documented = new Map(
  [...text.matchAll(/^\| `(\w+)`\s*\| (.*?)\s*\|/gm)].map(([, option = '', value = '']) => [
    option,
    value.replace(/^`(.*)`$/, '$1'),
  ]),
);
const config = parseStreamsConfig({ applicationId: 'app', brokers: ['localhost:9092'] });

test('docs/configuration.md lists every option and no other', () => {
  expect([...documented.keys()].sort()).toEqual(Object.keys(config).sort());
});

test.each(Object.entries(config).filter(([, value]) => typeof value !== 'function'))(
  'docs/configuration.md has the default of %s',
  (option, value) => {
    const words: Record<string, string> = {
      applicationId: 'required',
      brokers: 'required',
      logger: 'none',
    };
    const written = typeof value === 'string' ? `'${value}'` : JSON.stringify(value);
    expect(documented.get(option)).toBe(words[option] ?? written);
  },
);
