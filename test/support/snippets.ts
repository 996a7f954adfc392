import { readFileSync } from 'node:fs';
import path from 'node:path';

/** The TypeScript blocks of a document that begin with a comment `// name.ts`, by that name. */
export function namedSnippets(document: string): ReadonlyMap<string, string> {
  const text = readFileSync(path.join(__dirname, '..', '..', document), 'utf8');
  const blocks = text.matchAll(/^```ts\n\/\/ (\S+\.ts)\n([\s\S]*?)^```$/gm);
  return new Map([...blocks].map(([, name = '', code = '']) => [name, code]));
}
