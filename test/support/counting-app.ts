import {
  serdes,
  Stores,
  StreamsBuilder,
  type KafkaStreamsOptions,
  type Topology,
} from '../../src/index.ts';

export interface CountingOptions {
  readonly input: string;
  readonly output: string;
  /** A further topic that is read and passed to nobody, as a later release might have it. */
  readonly copy?: string;
  /** Milliseconds that each record takes, so that a kill finds the application at work. */
  readonly delayMs?: number;
}

/**
 * Counts records by their value, over a repartition topic, and writes every new count: so each key of the output reads
 * 1, 2, 3, … exactly when nothing was lost, doubled or forgotten.
 */
export function countingTopology({ input, output, copy, delayMs = 0 }: CountingOptions): Topology {
  const builder = new StreamsBuilder();
  const text = { key: serdes.string, value: serdes.string };
  builder
    .stream(input, text)
    .selectKey((_, value) => value)
    .repartition({ name: 'by-value', ...text })
    .process<string, number>({
      stores: [Stores.keyValue({ name: 'counts', key: serdes.string, value: serdes.long })],
      create: (context) => {
        const counts = context.keyValueStore<string, number>('counts');
        return {
          process: (record) => {
            const endMs = performance.now() + delayMs;
            while (performance.now() < endMs);
            const count = (counts.get(record.key) ?? 0) + 1;
            counts.put(record.key, count);
            context.forward(record.withValue(count));
          },
        };
      },
    })
    .to(output, { key: serdes.string, value: serdes.long });
  if (copy !== undefined) builder.stream(copy, text).foreach(() => undefined);
  return builder.build();
}

/** What a counting application in a process of its own is started with. */
export interface CountingProcess {
  readonly topology: CountingOptions;
  readonly config: KafkaStreamsOptions;
}
