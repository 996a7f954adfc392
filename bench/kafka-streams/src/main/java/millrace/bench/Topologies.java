package millrace.bench;

import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.function.ToLongFunction;
import millrace.bench.Formats.Row;
import millrace.bench.Formats.Rule;
import millrace.bench.Formats.Stats;
import millrace.bench.Formats.Update;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.common.utils.Bytes;
import org.apache.kafka.streams.KeyValue;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.kstream.Consumed;
import org.apache.kafka.streams.kstream.Grouped;
import org.apache.kafka.streams.kstream.Materialized;
import org.apache.kafka.streams.kstream.Produced;
import org.apache.kafka.streams.kstream.Repartitioned;
import org.apache.kafka.streams.kstream.TimeWindows;
import org.apache.kafka.streams.processor.api.ContextualFixedKeyProcessor;
import org.apache.kafka.streams.processor.api.FixedKeyProcessor;
import org.apache.kafka.streams.processor.api.FixedKeyProcessorContext;
import org.apache.kafka.streams.processor.api.FixedKeyProcessorSupplier;
import org.apache.kafka.streams.processor.api.FixedKeyRecord;
import org.apache.kafka.streams.state.KeyValueStore;
import org.apache.kafka.streams.state.StoreBuilder;
import org.apache.kafka.streams.state.Stores;
import org.apache.kafka.streams.state.WindowStore;

/** The measured applications, operator by operator those of {@code bench/app/topologies.ts}. */
final class Topologies {
  private static final Serde<String> TEXT = Serdes.String();
  private static final Serde<byte[]> BYTES = Serdes.ByteArray();
  private static final int RULES = 5000;
  private static final int ROUTED_RULES = 1000;
  private static final int GROUP_SIZE = 10;

  private Topologies() {}

  static Topology of(Options options) {
    StreamsBuilder builder = new StreamsBuilder();
    String out = options.applicationId() + "-out";
    boolean cached = options.cacheBytes() > 0;
    switch (options.workload()) {
      case "W0" -> passThrough(builder, out);
      case "W1" -> shuffle(builder, "w1-in", out, BYTES, Formats.RULE, Topologies::firstWord, cached);
      case "W1j" ->
          shuffle(
              builder,
              "w1j-in",
              out,
              Formats.SHUFFLE,
              Formats.RULE_JSON,
              value -> Long.parseUnsignedLong(value.u()),
              cached);
      case "W2" -> windows(builder, out);
      case "W6" -> table(builder, options, out);
      default -> throw new IllegalArgumentException("no workload " + options.workload());
    }
    return builder.build();
  }

  private static long firstWord(byte[] value) {
    return ByteBuffer.wrap(value).getLong();
  }

  private static void passThrough(StreamsBuilder builder, String out) {
    builder.stream("w0-in", Consumed.with(BYTES, BYTES))
        .filter((key, value) -> (value[0] & 1) == 0)
        .mapValues(value -> value.clone())
        .to(out, Produced.with(BYTES, BYTES));
  }

  private static <V> void shuffle(
      StreamsBuilder builder,
      String in,
      String out,
      Serde<V> values,
      Serde<Rule> rules,
      ToLongFunction<V> number,
      boolean cached) {
    builder.stream(in, Consumed.with(BYTES, values))
        .flatMap((key, value) -> route(number.applyAsLong(value), value))
        .repartition(
            Repartitioned.with(TEXT, values).withName("rules").withNumberOfPartitions(4))
        .processValues(new RuleCounter<>(storeOf("w1", rules, cached), number))
        .to(out, Produced.with(TEXT, rules));
  }

  private static <V> List<KeyValue<String, V>> route(long u, V value) {
    long rule = Long.remainderUnsigned(u, RULES);
    return rule < ROUTED_RULES ? List.of(new KeyValue<>("r" + rule, value)) : List.of();
  }

  private static <V> StoreBuilder<KeyValueStore<String, V>> storeOf(
      String name, Serde<V> values, boolean cached) {
    var store =
        Stores.keyValueStoreBuilder(Stores.persistentKeyValueStore(name), TEXT, values);
    return cached ? store.withCachingEnabled() : store;
  }

  /** Gives out and empties a group when it is full. */
  private record RuleCounter<V>(
      StoreBuilder<KeyValueStore<String, Rule>> store, ToLongFunction<V> number)
      implements FixedKeyProcessorSupplier<String, V, Rule> {

    @Override
    public Set<StoreBuilder<?>> stores() {
      return Set.of(store);
    }

    @Override
    public FixedKeyProcessor<String, V, Rule> get() {
      return new ContextualFixedKeyProcessor<>() {
        private KeyValueStore<String, Rule> rules;

        @Override
        public void init(FixedKeyProcessorContext<String, Rule> context) {
          super.init(context);
          rules = context.getStateStore(store.name());
        }

        @Override
        public void process(FixedKeyRecord<String, V> record) {
          Rule before = rules.get(record.key());
          Rule group =
              (before == null ? Rule.EMPTY : before)
                  .plus(number.applyAsLong(record.value()), record.timestamp());
          boolean isFull = group.count() == GROUP_SIZE;
          if (isFull) context().forward(record.withValue(group));
          rules.put(record.key(), isFull ? Rule.EMPTY : group);
        }
      };
    }
  }

  private static void windows(StreamsBuilder builder, String out) {
    builder.stream("w2-in", Consumed.with(TEXT, Formats.READING))
        .groupByKey(Grouped.with(TEXT, Formats.READING))
        .windowedBy(TimeWindows.ofSizeWithNoGrace(Duration.ofMinutes(1)))
        .aggregate(
            () -> Stats.EMPTY,
            (sensor, reading, stats) -> stats.plus(reading.watts()),
            Materialized.<String, Stats, WindowStore<Bytes, byte[]>>as("w2")
                .withKeySerde(TEXT)
                .withValueSerde(Formats.STATS))
        .toStream((window, stats) -> window.key())
        .to(out, Produced.with(TEXT, Formats.STATS_RESULT));
  }

  private static void table(StreamsBuilder builder, Options options, String out) {
    String live = options.applicationId() + "-live";
    builder.stream(
            options.liveOnly() ? List.of(live) : List.of("w6-in", live),
            Consumed.with(TEXT, Formats.ROW))
        .processValues(new RowKeeper(storeOf("w6", Formats.ROW, false)))
        .to(out, Produced.with(TEXT, Formats.UPDATE));
  }

  /** Keeps every row and tells of live updates. */
  private record RowKeeper(StoreBuilder<KeyValueStore<String, Row>> store)
      implements FixedKeyProcessorSupplier<String, Row, Update> {

    @Override
    public Set<StoreBuilder<?>> stores() {
      return Set.of(store);
    }

    @Override
    public FixedKeyProcessor<String, Row, Update> get() {
      return new ContextualFixedKeyProcessor<>() {
        private KeyValueStore<String, Row> rows;

        @Override
        public void init(FixedKeyProcessorContext<String, Update> context) {
          super.init(context);
          rows = context.getStateStore(store.name());
        }

        @Override
        public void process(FixedKeyRecord<String, Row> record) {
          Row row = record.value();
          rows.put(record.key(), row);
          if (row.timeMs() != 0) {
            context().forward(record.withValue(new Update(row.sequence(), row.timeMs())));
          }
        }
      };
    }
  }
}
