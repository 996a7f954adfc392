import type { MetricSample } from './metrics-registry.ts';

/**
 * Samples in Prometheus' text format 0.0.4, names with `millrace_` before them and `_` for `-`. A histogram is written
 * as a summary: quantiles, sum and count.
 *
 * Source: Prometheus documentation, "Exposition formats".
 */
export function prometheusText(samples: readonly MetricSample[]): string {
  const byName = new Map<string, MetricSample[]>();
  for (const sample of samples) {
    const name = metricName(sample.name);
    const group = byName.get(name);
    if (group === undefined) byName.set(name, [sample]);
    else group.push(sample);
  }
  const lines: string[] = [];
  for (const [name, group] of byName) {
    const [first] = group;
    lines.push(
      `# TYPE ${name} ${first?.kind === 'histogram' ? 'summary' : (first?.kind ?? 'gauge')}`,
    );
    for (const sample of group) lines.push(...sampleLines(name, sample));
  }
  return lines.map((line) => `${line}\n`).join('');
}

function sampleLines(name: string, { tags, value, summary }: MetricSample): string[] {
  if (summary === undefined) return [`${name}${labels(tags)} ${number(value)}`];
  return [
    `${name}${labels({ ...tags, quantile: '0.5' })} ${number(summary.p50)}`,
    `${name}${labels({ ...tags, quantile: '0.99' })} ${number(summary.p99)}`,
    `${name}_sum${labels(tags)} ${number(summary.sum)}`,
    `${name}_count${labels(tags)} ${number(value)}`,
  ];
}

function metricName(name: string): string {
  return `millrace_${name.replace(/[^a-zA-Z0-9_]/g, '_')}`;
}

function labels(tags: Readonly<Record<string, string>>): string {
  const pairs = Object.entries(tags).map(
    ([tag, value]) => `${tag.replace(/[^a-zA-Z0-9_]/g, '_')}="${escapeLabel(value)}"`,
  );
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`;
}

function escapeLabel(value: string): string {
  return value.replaceAll('\\', '\\\\').replaceAll('\n', '\\n').replaceAll('"', '\\"');
}

function number(value: number): string {
  if (Number.isNaN(value)) return 'NaN';
  if (Number.isFinite(value)) return String(value);
  return value > 0 ? '+Inf' : '-Inf';
}
