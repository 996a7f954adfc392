/**
 * The sets of topics that must have equal partition counts, from sets of sources that must: where two sets share a
 * topic, they are one.
 */
export function copartitionGroups(
  sets: readonly (readonly string[])[],
  topicsOf: (source: string) => readonly string[],
): string[][] {
  const groupOf = new Map<string, Set<string>>();
  for (const sources of sets) {
    const merged = new Set<string>();
    for (const topic of sources.flatMap(topicsOf)) {
      for (const known of groupOf.get(topic) ?? [topic]) merged.add(known);
    }
    for (const topic of merged) groupOf.set(topic, merged);
  }
  return [...new Set(groupOf.values())]
    .map((group) => [...group])
    .filter(({ length }) => length > 1);
}

/** Those of a sub-topology that reads these topics. */
export function groupsReading(
  groups: readonly (readonly string[])[],
  sourceTopics: readonly string[],
): readonly (readonly string[])[] {
  return groups.filter((topics) => topics.some((topic) => sourceTopics.includes(topic)));
}
