/**
 * As `JSON.stringify`, with the fields of every object in order of their names (UTF-16 units, as in RFC 8785).
 * Undefined where the value has no JSON. A cycle overflows the stack, which is an error too.
 */
export function canonicalJson(value: unknown): string | undefined {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  if ('toJSON' in value && typeof value.toJSON === 'function') {
    return canonicalJson((value.toJSON as () => unknown)()); // by contract it takes at most a field name
  }
  if (Array.isArray(value))
    return `[${value.map((item) => canonicalJson(item) ?? 'null').join(',')}]`;
  const fields: string[] = [];
  for (const name of Object.keys(value).sort()) {
    const field = canonicalJson((value as Record<string, unknown>)[name]); // its own field, from `keys`
    if (field !== undefined) fields.push(`${JSON.stringify(name)}:${field}`);
  }
  return `{${fields.join(',')}}`;
}
