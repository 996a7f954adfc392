/** Ways in which an output could be wrong, each as a change to the dump: a judge that passes one of them proves nothing. */
export const MUTATIONS: Readonly<Record<string, (lines: readonly string[]) => string[]>> = {
  'a record is lost': (lines) => lines.toSpliced(middle(lines), 1),
  'a record comes twice': (lines) =>
    lines.toSpliced(middle(lines), 0, lineAt(lines, middle(lines))),
  'two records are swapped': (lines) => {
    const at = middle(lines);
    const other = neighbour(lines, at);
    return lines.with(at, lineAt(lines, other)).with(other, lineAt(lines, at));
  },
  'a value is another': (lines) => {
    const at = middle(lines);
    return lines.with(
      at,
      withValue(lineAt(lines, at), (value) => value.replace(/..$/, '7e')),
    );
  },
  'an aborted record is seen': (lines) => {
    const at = middle(lines);
    const attempt = withValue(lineAt(lines, at), (value) => value.replace('636f7374', '636f7375'));
    return lines.toSpliced(at, 0, attempt);
  },
};

const VALUE = 6;

function middle(lines: readonly string[]): number {
  return Math.floor(lines.length / 2);
}

/** The next record of the same key, whose place another one cannot take. */
function neighbour(lines: readonly string[], at: number): number {
  const key = lineAt(lines, at).split(' ')[VALUE - 1];
  const other = lines.findIndex((line, index) => index > at && line.split(' ')[VALUE - 1] === key);
  return other < 0 ? at + 1 : other;
}

function withValue(line: string, change: (value: string) => string): string {
  const fields = line.split(' ');
  return fields.with(VALUE, change(fields[VALUE] ?? '')).join(' ');
}

function lineAt(lines: readonly string[], at: number): string {
  return lines[at] ?? '';
}
