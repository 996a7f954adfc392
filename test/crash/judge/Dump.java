import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.Set;
import java.util.TreeMap;
import org.apache.kafka.clients.admin.AbortTransactionSpec;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.ProducerState;
import org.apache.kafka.clients.admin.ListOffsetsOptions;
import org.apache.kafka.clients.admin.ListOffsetsResult;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.clients.admin.TransactionListing;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.IsolationLevel;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.utils.Utils;

/**
 * What Kafka's own clients see of a run of the crash test, for the judge: a line each, fields parted by spaces, bytes as
 * hex digits, `-` for null.
 *
 *     R topic partition offset timestamp key value headers java-partition    a committed record
 *     E topic partition first stable end                                     where its log begins and ends
 *     O topic partition producer epoch start                                 a transaction that is open there
 *     T transactional-id state                                               a transaction that the coordinator has
 *     G topic partition offset                                               a committed offset of the group
 *     M member                                                               a member that the group still has
 *     A topic partition producer                                             aborted: see below
 *
 *     dump <brokers> <group> <topic>…
 *     abort-hanging <brokers> <topic>…    ends each transaction that a partition has and its coordinator does not
 *
 * Run with Kafka's jars on the class path: java -cp … Dump.java dump …
 */
public final class Dump {
  private static final HexFormat HEX = HexFormat.of();
  private static final StringBuilder OUT = new StringBuilder();

  public static void main(String[] args) throws Exception {
    Properties client = new Properties();
    client.put("bootstrap.servers", args[1]);
    try (Admin admin = Admin.create(client)) {
      if (args[0].equals("abort-hanging")) {
        abortHanging(admin, partitionsOf(admin, Arrays.asList(args).subList(2, args.length)));
      } else {
        List<String> topics = new ArrayList<>(Arrays.asList(args).subList(3, args.length));
        topics.add("__consumer_offsets");
        dump(admin, client, args[2], partitionsOf(admin, topics));
      }
    }
    System.out.print(OUT);
  }

  private static List<TopicPartition> partitionsOf(Admin admin, List<String> topics) throws Exception {
    List<TopicPartition> partitions = new ArrayList<>();
    for (var described : admin.describeTopics(topics).allTopicNames().get().values()) {
      described.partitions().forEach(info -> partitions.add(new TopicPartition(described.name(), info.partition())));
    }
    return partitions;
  }

  private static void dump(Admin admin, Properties client, String group, List<TopicPartition> partitions)
      throws Exception {
    Map<TopicPartition, OffsetSpec> latest = new HashMap<>();
    Map<TopicPartition, OffsetSpec> earliest = new HashMap<>();
    Map<String, Integer> counts = new HashMap<>();
    for (TopicPartition partition : partitions) {
      latest.put(partition, OffsetSpec.latest());
      earliest.put(partition, OffsetSpec.earliest());
      counts.merge(partition.topic(), 1, Integer::sum);
    }
    var first = admin.listOffsets(earliest).all().get();
    var stable = admin.listOffsets(latest, new ListOffsetsOptions(IsolationLevel.READ_COMMITTED)).all().get();
    var end = admin.listOffsets(latest, new ListOffsetsOptions(IsolationLevel.READ_UNCOMMITTED)).all().get();
    for (TopicPartition partition : partitions) {
      line("E", partition.topic(), partition.partition(), first.get(partition).offset(),
          stable.get(partition).offset(), end.get(partition).offset());
    }
    for (TransactionListing listing : admin.listTransactions().all().get()) {
      line("T", listing.transactionalId(), listing.state());
    }
    admin.describeProducers(partitions).all().get().forEach((partition, state) -> {
      for (ProducerState producer : state.activeProducers()) {
        if (producer.currentTransactionStartOffset().isPresent()) {
          line("O", partition.topic(), partition.partition(), producer.producerId(), producer.producerEpoch(),
              producer.currentTransactionStartOffset().getAsLong());
        }
      }
    });
    admin.listConsumerGroupOffsets(group).partitionsToOffsetAndMetadata().get()
        .forEach((partition, offset) -> line("G", partition.topic(), partition.partition(), offset.offset()));
    admin.describeConsumerGroups(List.of(group)).all().get().get(group).members()
        .forEach(member -> line("M", member.consumerId()));
    read(client, partitions, stable, counts);
  }

  private static void read(Properties client, List<TopicPartition> partitions,
      Map<TopicPartition, ListOffsetsResult.ListOffsetsResultInfo> stable, Map<String, Integer> counts) {
    Properties config = new Properties();
    config.putAll(client);
    config.put("isolation.level", "read_committed");
    config.put("auto.offset.reset", "earliest");
    config.put("max.poll.records", "5000");
    try (var consumer = new KafkaConsumer<>(config, new ByteArrayDeserializer(), new ByteArrayDeserializer())) {
      consumer.assign(partitions);
      consumer.seekToBeginning(partitions);
      long deadline = System.nanoTime() + Duration.ofSeconds(120).toNanos();
      while (partitions.stream().anyMatch(each -> consumer.position(each) < stable.get(each).offset())) {
        if (System.nanoTime() > deadline) throw new IllegalStateException("the logs could not be read to their ends");
        for (ConsumerRecord<byte[], byte[]> record : consumer.poll(Duration.ofMillis(500))) {
          byte[] key = record.key();
          int partition = key == null ? -1 : Utils.toPositive(Utils.murmur2(key)) % counts.get(record.topic());
          line("R", record.topic(), record.partition(), record.offset(), record.timestamp(), hex(key),
              hex(record.value()), headers(record), partition);
        }
      }
    }
  }

  private static String headers(ConsumerRecord<byte[], byte[]> record) {
    StringBuilder text = new StringBuilder();
    for (Header header : record.headers()) {
      text.append(text.length() == 0 ? "" : ",").append(header.key()).append('=').append(hex(header.value()));
    }
    return text.length() == 0 ? "-" : text.toString();
  }

  /**
   * What `kafka-transactions find-hanging` and `abort` do, in one go, on a cluster that is at work: a transaction hangs
   * where a partition has it open before and after its coordinator was asked, and the coordinator does not know of it.
   */
  private static void abortHanging(Admin admin, List<TopicPartition> partitions) throws Exception {
    Map<String, ProducerState> before = open(admin, partitions);
    Map<Long, Set<TopicPartition>> known = new TreeMap<>();
    for (TransactionListing listing : admin.listTransactions().all().get()) {
      var description = admin.describeTransactions(List.of(listing.transactionalId()))
          .description(listing.transactionalId()).get();
      known.put(listing.producerId(), description.topicPartitions());
    }
    Map<String, ProducerState> after = open(admin, partitions);
    for (TopicPartition partition : partitions) {
      for (var entry : before.entrySet()) {
        ProducerState producer = entry.getValue();
        boolean isHere = entry.getKey().startsWith(partition + " ") && after.containsKey(entry.getKey());
        if (!isHere || known.getOrDefault(producer.producerId(), Set.of()).contains(partition)) continue;
        admin.abortTransaction(new AbortTransactionSpec(partition, producer.producerId(),
            (short) producer.producerEpoch(), producer.coordinatorEpoch().orElse(0))).all().get();
        line("A", partition.topic(), partition.partition(), producer.producerId());
      }
    }
  }

  /** Open transactions, by partition, producer, epoch and start. */
  private static Map<String, ProducerState> open(Admin admin, List<TopicPartition> partitions) throws Exception {
    Map<String, ProducerState> open = new TreeMap<>();
    for (var entry : admin.describeProducers(partitions).all().get().entrySet()) {
      for (ProducerState producer : entry.getValue().activeProducers()) {
        var start = producer.currentTransactionStartOffset();
        if (start.isEmpty()) continue;
        open.put(entry.getKey() + " " + producer.producerId() + " " + producer.producerEpoch() + " "
            + start.getAsLong(), producer);
      }
    }
    return open;
  }

  private static String hex(byte[] bytes) {
    return bytes == null ? "-" : "x" + HEX.formatHex(bytes);
  }

  private static void line(Object... fields) {
    for (int i = 0; i < fields.length; i++) OUT.append(i == 0 ? "" : " ").append(fields[i]);
    OUT.append('\n');
  }
}
