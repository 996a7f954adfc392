package millrace.bench;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.util.function.Function;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.common.serialization.Serdes;

/** What the workloads read and write; all numbers are big-endian. bench/README.md has the formats. */
final class Formats {
  private static final ObjectMapper JSON = new ObjectMapper();

  private Formats() {}

  /** W1: one rule. {@code sum} wraps. */
  record Rule(long count, long sum, long firstMs, long lastMs) {
    static final Rule EMPTY = new Rule(0, 0, 0, 0);

    Rule plus(long u, long timeMs) {
      if (count == 0) return new Rule(1, u, timeMs, timeMs);
      return new Rule(count + 1, sum + u, Math.min(firstMs, timeMs), Math.max(lastMs, timeMs));
    }
  }

  /** W1j: input. */
  public record Shuffle(String u, String p) {}

  /** W1j: state and output as JSON. */
  public record RuleText(long count, String sum, long firstTs, long lastTs) {}

  /** W2: input. */
  record Reading(long id, long timeMs, double watts) {}

  /** W2: state. {@code squares} is the sum of squared deviations from the mean. */
  record Stats(double count, double sum, double min, double max, double mean, double squares) {
    static final Stats EMPTY =
        new Stats(0, 0, Double.POSITIVE_INFINITY, Double.NEGATIVE_INFINITY, 0, 0);

    Stats plus(double x) {
      double n = count + 1;
      double delta = x - mean;
      double moved = mean + delta / n;
      double spread = squares + delta * (x - moved);
      return new Stats(n, sum + x, Math.min(min, x), Math.max(max, x), moved, spread);
    }
  }

  /** W6: a row; {@code timeMs} is 0 in the fill. */
  record Row(long sequence, long timeMs, byte[] rest) {}

  /** W6: output. */
  record Update(long sequence, long timeMs) {}

  static final Serde<Rule> RULE =
      of(
          rule -> longs(rule.count, rule.sum, rule.firstMs, rule.lastMs),
          in -> new Rule(in.getLong(), in.getLong(), in.getLong(), in.getLong()));

  static final Serde<Reading> READING =
      of(
          it -> ByteBuffer.allocate(24).putLong(it.id).putLong(it.timeMs).putDouble(it.watts).array(),
          in -> new Reading(in.getLong(), in.getLong(), in.getDouble()));

  static final Serde<Stats> STATS =
      of(
          it -> statsBytes(it, it.squares),
          in ->
              new Stats(
                  in.getDouble(),
                  in.getDouble(),
                  in.getDouble(),
                  in.getDouble(),
                  in.getDouble(),
                  in.getDouble()));

  /** W2: output; the variance is in the last place. Only written. */
  static final Serde<Stats> STATS_RESULT = of(it -> statsBytes(it, it.squares / it.count), in -> null);

  static final Serde<Row> ROW =
      of(
          it ->
              ByteBuffer.allocate(16 + it.rest.length)
                  .putLong(it.sequence)
                  .putLong(it.timeMs)
                  .put(it.rest)
                  .array(),
          in -> {
            long sequence = in.getLong();
            long timeMs = in.getLong();
            byte[] rest = new byte[in.remaining()];
            in.get(rest);
            return new Row(sequence, timeMs, rest);
          });

  static final Serde<Update> UPDATE =
      of(it -> longs(it.sequence, it.timeMs), in -> new Update(in.getLong(), in.getLong()));

  static final Serde<Shuffle> SHUFFLE = json(Shuffle.class);

  private static final Serde<RuleText> RULE_TEXT = json(RuleText.class);

  static final Serde<Rule> RULE_JSON =
      Serdes.serdeFrom(
          (topic, it) ->
              it == null
                  ? null
                  : RULE_TEXT
                      .serializer()
                      .serialize(
                          topic,
                          new RuleText(
                              it.count, Long.toUnsignedString(it.sum), it.firstMs, it.lastMs)),
          (topic, bytes) -> {
            RuleText it = RULE_TEXT.deserializer().deserialize(topic, bytes);
            return it == null
                ? null
                : new Rule(it.count, Long.parseUnsignedLong(it.sum), it.firstTs, it.lastTs);
          });

  private static byte[] longs(long... values) {
    ByteBuffer out = ByteBuffer.allocate(8 * values.length);
    for (long value : values) out.putLong(value);
    return out.array();
  }

  private static byte[] statsBytes(Stats it, double last) {
    return ByteBuffer.allocate(48)
        .putDouble(it.count)
        .putDouble(it.sum)
        .putDouble(it.min)
        .putDouble(it.max)
        .putDouble(it.mean)
        .putDouble(last)
        .array();
  }

  private static <T> Serde<T> of(Function<T, byte[]> write, Function<ByteBuffer, T> read) {
    return Serdes.serdeFrom(
        (topic, value) -> value == null ? null : write.apply(value),
        (topic, bytes) -> bytes == null ? null : read.apply(ByteBuffer.wrap(bytes)));
  }

  private static <T> Serde<T> json(Class<T> type) {
    return Serdes.serdeFrom(
        (topic, value) -> {
          try {
            return value == null ? null : JSON.writeValueAsBytes(value);
          } catch (IOException e) {
            throw new UncheckedIOException(e);
          }
        },
        (topic, bytes) -> {
          try {
            return bytes == null ? null : JSON.readValue(bytes, type);
          } catch (IOException e) {
            throw new UncheckedIOException(e);
          }
        });
  }
}
