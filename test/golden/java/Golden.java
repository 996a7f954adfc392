import java.lang.reflect.Field;
import java.lang.reflect.Modifier;
import java.lang.reflect.ParameterizedType;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.compress.Compression;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.header.internals.RecordHeader;
import org.apache.kafka.common.protocol.ByteBufferAccessor;
import org.apache.kafka.common.protocol.Errors;
import org.apache.kafka.common.protocol.Message;
import org.apache.kafka.common.protocol.ObjectSerializationCache;
import org.apache.kafka.common.protocol.types.BoundField;
import org.apache.kafka.common.protocol.types.RawTaggedField;
import org.apache.kafka.common.protocol.types.Schema;
import org.apache.kafka.common.protocol.types.TaggedFields;
import org.apache.kafka.common.protocol.types.Type;
import org.apache.kafka.common.record.TimestampType;
import org.apache.kafka.common.record.internal.ControlRecordType;
import org.apache.kafka.common.record.internal.DefaultRecordBatch;
import org.apache.kafka.common.record.internal.EndTransactionMarker;
import org.apache.kafka.common.record.internal.MemoryRecords;
import org.apache.kafka.common.record.internal.MemoryRecordsBuilder;
import org.apache.kafka.common.record.internal.Record;
import org.apache.kafka.common.record.internal.RecordBatch;

/**
 * Writes the golden bytes that test/unit/wire compares with: what Kafka's own classes write for
 *
 *     <message>.json        each version: all defaults, random values with nulls and tagged fields, and the same again
 *                           with a tagged field that nobody knows
 *     record-batches.json   batches of every kind, with what Kafka's own reader finds in them
 *     errors.json           code, name and whether a client may retry
 *
 * Usage: Golden.java <folder> <message>:<first version>-<last version> ...
 * The random values have a fixed seed: running it again writes the same files.
 */
public class Golden {
  static final long SEED = 20261123L;
  static final int UNKNOWN_TAG = 1000;
  static final long MAX_SAFE_INTEGER = (1L << 53) - 1;
  static final String[] TEXTS = {"", "a", "topic-1", "käfka 🚂", "x".repeat(130)};

  public static void main(String[] arguments) throws Exception {
    Path folder = Path.of(arguments[0]);
    for (String argument : Arrays.copyOfRange(arguments, 1, arguments.length)) {
      String[] parts = argument.split("[:-]");
      write(folder, parts[0], messages(parts[0], Short.parseShort(parts[1]), Short.parseShort(parts[2])));
    }
    write(folder, "record-batches", new Batches().all());
    write(folder, "errors", errors());
  }

  static void write(Path folder, String name, List<String> lines) throws Exception {
    String text = "[\n  " + String.join(",\n  ", lines) + "\n]\n";
    Files.writeString(folder.resolve(name + ".json"), text);
  }

  static List<String> errors() {
    List<String> lines = new ArrayList<>();
    for (Errors error : Errors.values()) {
      boolean isRetriable =
          error.exception() instanceof org.apache.kafka.common.errors.RetriableException;
      lines.add("{ \"code\": " + error.code() + ", \"name\": \"" + error.name() + "\", \"retriable\": " + isRetriable + " }");
    }
    return lines;
  }

  // ---- messages

  static List<String> messages(String name, short first, short last) throws Exception {
    Class<?> type = Class.forName("org.apache.kafka.common.message." + name + "Data".repeat(name.startsWith("ConsumerProtocol") ? 0 : 1));
    Schema[] schemas = (Schema[]) type.getField("SCHEMAS").get(null);
    List<String> lines = new ArrayList<>();
    for (short version = first; version <= last; version++) {
      Random random = new Random(SEED + name.hashCode() * 100L + version);
      Message plain = (Message) type.getDeclaredConstructor().newInstance();
      lines.add(line(version, "default", plain));
      for (int i = 0; i < 2; i++) {
        Message filled = (Message) fill(type, schemas[version], random);
        lines.add(line(version, "random", filled));
        boolean isFlexible = Arrays.stream(schemas[version].fields()).anyMatch(field -> field.def.type instanceof TaggedFields);
        if (i == 0 && isFlexible) {
          filled.unknownTaggedFields().add(new RawTaggedField(UNKNOWN_TAG, new byte[] {1, 2, 3}));
          lines.add(line(version, "unknown-tag", filled));
        }
      }
    }
    return lines;
  }

  static String line(short version, String kind, Message message) {
    ObjectSerializationCache cache = new ObjectSerializationCache();
    ByteBuffer buffer = ByteBuffer.allocate(message.size(cache, version));
    message.write(new ByteBufferAccessor(buffer), cache, version);
    return "{ \"version\": " + version + ", \"kind\": \"" + kind + "\", \"bytes\": \"" + base64(buffer.array()) + "\" }";
  }

  /** An object of a generated class with random values in the fields that the schema of one version has. */
  static Object fill(Class<?> type, Schema schema, Random random) throws Exception {
    Map<String, Type> types = new HashMap<>();
    for (BoundField field : schema.fields()) {
      types.put(field.def.name, field.def.type);
      if (field.def.type instanceof TaggedFields tagged) {
        tagged.fields().values().forEach(inner -> types.put(inner.name, inner.type));
      }
    }
    Object object = type.getDeclaredConstructor().newInstance();
    for (Field field : type.getDeclaredFields()) {
      Type wireType = types.get(snakeCase(field.getName()));
      if (Modifier.isStatic(field.getModifiers()) || wireType == null) continue;
      field.setAccessible(true);
      if (wireType.isNullable() && random.nextInt(4) == 0) field.set(object, null);
      else field.set(object, value(field, wireType, random));
    }
    return object;
  }

  static Object value(Field field, Type wireType, Random random) throws Exception {
    Class<?> type = field.getType();
    if (!Collection.class.isAssignableFrom(type)) return single(type, wireType, random);
    Class<?> elementType = elementType(field);
    Type elementWireType = wireType.arrayElementType().get();
    @SuppressWarnings("unchecked")
    Collection<Object> collection =
        type == List.class
            ? new ArrayList<>()
            : (Collection<Object>) type.getDeclaredConstructor().newInstance();
    for (int left = 1 + random.nextInt(2); left > 0; left--) {
      collection.add(single(elementType, elementWireType, random));
    }
    return collection;
  }

  static Class<?> elementType(Field field) {
    java.lang.reflect.Type generic =
        field.getGenericType() instanceof ParameterizedType
            ? field.getGenericType()
            : field.getType().getGenericSuperclass();
    return (Class<?>) ((ParameterizedType) generic).getActualTypeArguments()[0];
  }

  static Object single(Class<?> type, Type wireType, Random random) throws Exception {
    if (type == boolean.class) return random.nextBoolean();
    if (type == byte.class || type == Byte.class) return (byte) random.nextInt();
    if (type == short.class || type == Short.class) return (short) random.nextInt();
    if (type == int.class || type == Integer.class) return random.nextInt() >> random.nextInt(31);
    if (type == long.class || type == Long.class) return (random.nextLong() >> 10) >> random.nextInt(53);
    if (type == String.class) return TEXTS[random.nextInt(TEXTS.length)];
    if (type == Uuid.class) return new Uuid(random.nextLong(), random.nextLong());
    if (type == byte[].class) return bytes(random);
    if (type == ByteBuffer.class) return ByteBuffer.wrap(bytes(random));
    if (Message.class.isAssignableFrom(type)) return fill(type, (Schema) wireType, random);
    if (type.isAssignableFrom(MemoryRecords.class)) return MemoryRecords.readableRecords(ByteBuffer.wrap(bytes(random)));
    throw new IllegalArgumentException("no value for " + type);
  }

  static byte[] bytes(Random random) {
    byte[] bytes = new byte[random.nextInt(4) == 0 ? 150 : random.nextInt(20)];
    random.nextBytes(bytes);
    return bytes;
  }

  static String snakeCase(String name) {
    return name.replaceAll("(?<!^)([A-Z])", "_$1").toLowerCase();
  }

  static String base64(byte[] bytes) {
    return Base64.getEncoder().encodeToString(bytes);
  }

  // ---- record batches

  static class Batches {
    static final long TIME = 1_700_000_000_000L;
    static final byte[] NULL = null;
    static final byte[] KEY = "key".getBytes(StandardCharsets.UTF_8);
    static final byte[] VALUE = "value".getBytes(StandardCharsets.UTF_8);
    static final byte[] LARGE = "0123456789".repeat(100).getBytes(StandardCharsets.UTF_8);
    static final Header[] HEADERS = {
      new RecordHeader("name", VALUE), new RecordHeader("name", null), new RecordHeader("käfka 🚂", new byte[0])
    };

    final List<String> lines = new ArrayList<>();

    List<String> all() throws Exception {
      for (String compression : List.of("none", "gzip")) {
        add("plain", compression, build(compression, TimestampType.CREATE_TIME, -1, (short) -1, -1, false));
        add("idempotent", compression, build(compression, TimestampType.CREATE_TIME, 7000, (short) 3, 12, false));
        add("transactional", compression, build(compression, TimestampType.CREATE_TIME, MAX_SAFE_INTEGER, Short.MAX_VALUE, Integer.MAX_VALUE - 100, true));
        add("log append time", compression, build(compression, TimestampType.LOG_APPEND_TIME, -1, (short) -1, -1, false));
      }
      add("one record per varint length", "none", lengths());
      add("extreme times", "none", times());
      add("after compaction", "none", compacted());
      add("emptied by compaction", "none", emptied());
      add("commit marker", "none", marker(ControlRecordType.COMMIT));
      add("abort marker", "none", marker(ControlRecordType.ABORT));
      return lines;
    }

    ByteBuffer build(String compression, TimestampType type, long producerId, short epoch, int sequence, boolean isTransactional) {
      MemoryRecordsBuilder builder =
          MemoryRecords.builder(
              ByteBuffer.allocate(4096), RecordBatch.MAGIC_VALUE_V2, Compression.of(compression).build(), type, 0L,
              TIME + 5000, producerId, epoch, sequence, isTransactional, RecordBatch.NO_PARTITION_LEADER_EPOCH);
      builder.append(TIME, KEY, VALUE);
      builder.append(TIME + 1, null, VALUE);
      builder.append(TIME - 1, KEY, null);
      builder.append(TIME + 100_000, NULL, NULL);
      builder.append(TIME, new byte[0], new byte[0]);
      builder.append(TIME + 1, KEY, VALUE, HEADERS);
      builder.append(TIME + 2, LARGE, LARGE, HEADERS);
      return builder.build().buffer();
    }

    ByteBuffer lengths() {
      MemoryRecordsBuilder builder = builder(0L);
      for (int length : new int[] {0, 1, 9, 31, 32, 33, 50, 63, 64, 65, 8191, 8192}) {
        builder.append(TIME, new byte[length], new byte[length]);
      }
      for (int index = 0; index < 120; index++) builder.append(TIME, NULL, NULL);
      return builder.build().buffer();
    }

    ByteBuffer times() {
      MemoryRecordsBuilder builder = builder(0L);
      long[] times = {0, 63, 64, -1, 8191, 1L << 31, 1L << 34, 1L << 41, 1L << 48, MAX_SAFE_INTEGER, MAX_SAFE_INTEGER - 1};
      for (long time : times) builder.append(time, KEY, VALUE);
      return builder.build().buffer();
    }

    ByteBuffer compacted() {
      MemoryRecordsBuilder builder = builder(1L << 40);
      builder.appendWithOffset((1L << 40) + 3, TIME, KEY, VALUE);
      builder.appendWithOffset((1L << 40) + 300, TIME, KEY, VALUE);
      builder.overrideLastOffset((1L << 40) + 1000);
      return builder.build().buffer();
    }

    ByteBuffer emptied() {
      ByteBuffer buffer = ByteBuffer.allocate(DefaultRecordBatch.RECORD_BATCH_OVERHEAD);
      DefaultRecordBatch.writeEmptyHeader(
          buffer, RecordBatch.MAGIC_VALUE_V2, 7000, (short) 3, 12, 500, 519, 8, TimestampType.CREATE_TIME, TIME, true, false);
      buffer.flip();
      return buffer;
    }

    ByteBuffer marker(ControlRecordType type) {
      return MemoryRecords.withEndTransactionMarker(42, TIME, 8, 7000, (short) 3, new EndTransactionMarker(type, 15)).buffer();
    }

    MemoryRecordsBuilder builder(long baseOffset) {
      return MemoryRecords.builder(
          ByteBuffer.allocate(1 << 16), RecordBatch.MAGIC_VALUE_V2, Compression.NONE, TimestampType.CREATE_TIME, baseOffset,
          RecordBatch.NO_TIMESTAMP, -1L, (short) -1, -1, false, RecordBatch.NO_PARTITION_LEADER_EPOCH);
    }

    void add(String name, String compression, ByteBuffer buffer) {
      byte[] bytes = new byte[buffer.remaining()];
      buffer.duplicate().get(bytes);
      RecordBatch batch = MemoryRecords.readableRecords(ByteBuffer.wrap(bytes)).batches().iterator().next();
      List<String> records = new ArrayList<>();
      for (Record record : batch) records.add(describe(record));
      lines.add(
          "{ \"name\": \"" + name + "\", \"compression\": \"" + compression + "\", \"bytes\": \"" + base64(bytes) + "\""
              + ",\n    \"baseOffset\": " + batch.baseOffset() + ", \"lastOffset\": " + batch.lastOffset()
              + ", \"leaderEpoch\": " + batch.partitionLeaderEpoch() + ", \"maxTimestampMs\": " + batch.maxTimestamp()
              + ", \"producerId\": " + batch.producerId() + ", \"producerEpoch\": " + batch.producerEpoch()
              + ", \"baseSequence\": " + batch.baseSequence() + ", \"isTransactional\": " + batch.isTransactional()
              + ", \"isControl\": " + batch.isControlBatch()
              + ", \"isLogAppendTime\": " + (batch.timestampType() == TimestampType.LOG_APPEND_TIME)
              + ",\n    \"records\": [" + String.join(", ", records) + "] }");
    }

    String describe(Record record) {
      List<String> headers = new ArrayList<>();
      for (Header header : record.headers()) {
        headers.add("[\"" + base64(header.key().getBytes(StandardCharsets.UTF_8)) + "\", " + base64OrNull(header.value() == null ? null : ByteBuffer.wrap(header.value())) + "]");
      }
      return "[" + record.offset() + ", " + record.timestamp() + ", " + base64OrNull(record.key()) + ", "
          + base64OrNull(record.value()) + ", [" + String.join(", ", headers) + "]]";
    }

    static String base64OrNull(ByteBuffer buffer) {
      if (buffer == null) return "null";
      byte[] bytes = new byte[buffer.remaining()];
      buffer.duplicate().get(bytes);
      return "\"" + base64(bytes) + "\"";
    }
  }
}
