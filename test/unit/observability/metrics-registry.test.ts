import { MetricsRegistry } from '../../../src/observability/metrics-registry.ts';
import { prometheusText } from '../../../src/observability/prometheus.ts';

describe('metrics registry', () => {
  test('the same name and tags give the same counter, whatever the order of the tags', () => {
    const registry = new MetricsRegistry();
    registry.counter('records', { task: '0_0', node: 'a' }).add(2);
    registry.counter('records', { node: 'a', task: '0_0' }).add(3);
    expect(registry.snapshot()).toEqual([
      { name: 'records', kind: 'counter', tags: { task: '0_0', node: 'a' }, value: 5 },
    ]);
  });

  test('a counter has a rate, per second of the last window that is over', () => {
    const registry = new MetricsRegistry();
    const records = registry.counter('records');
    const rate = (): number | undefined => registry.snapshot()[0]?.rate;
    registry.rollRates(1_000);
    records.add(100);
    registry.rollRates(5_999);
    expect(rate()).toBeUndefined();
    registry.rollRates(11_000);
    expect(rate()).toBe(10);
    records.add(7);
    expect(rate()).toBe(10);
    registry.rollRates(18_000);
    expect(rate()).toBe(1);
    registry.rollRates(23_000);
    expect(rate()).toBe(0);
  });

  test('a closed task takes its series with it', () => {
    const registry = new MetricsRegistry();
    registry.counter('records', { task: '0_0' }).add(1);
    registry.counter('records', { task: '0_1' }).add(1);
    registry.remove({ task: '0_0' });
    expect(registry.snapshot().map(({ tags }) => tags)).toEqual([{ task: '0_1' }]);
  });

  test('an observed gauge is read when the metrics are', () => {
    const registry = new MetricsRegistry();
    let lag = 1;
    registry.observe('lag', {}, () => lag);
    lag = 7;
    expect(registry.snapshot()).toMatchObject([{ value: 7 }]);
  });

  test('quantiles of a histogram are right within a factor of two', () => {
    const registry = new MetricsRegistry();
    const latency = registry.histogram('latency');
    for (let ms = 1; ms <= 1000; ms++) latency.record(ms);
    const [sample] = registry.snapshot();
    expect(sample?.summary).toMatchObject({ sum: 500_500, max: 1000, p50: 512, p99: 1000 });
  });

  test('is written as Prometheus text, with label values escaped', () => {
    const registry = new MetricsRegistry();
    registry.counter('dropped-records-total', { reason: 'a "b"\\\n' }).add(3);
    registry.histogram('commit-latency-ms', { thread: '1' }).record(4);
    expect(prometheusText(registry.snapshot())).toBe(
      [
        '# TYPE millrace_dropped_records_total counter',
        'millrace_dropped_records_total{reason="a \\"b\\"\\\\\\n"} 3',
        '# TYPE millrace_commit_latency_ms summary',
        'millrace_commit_latency_ms{thread="1",quantile="0.5"} 4',
        'millrace_commit_latency_ms{thread="1",quantile="0.99"} 4',
        'millrace_commit_latency_ms_sum{thread="1"} 4',
        'millrace_commit_latency_ms_count{thread="1"} 1',
        '',
      ].join('\n'),
    );
  });
});
