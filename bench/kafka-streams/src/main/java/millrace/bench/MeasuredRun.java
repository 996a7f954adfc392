package millrace.bench;

import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.ListOffsetsOptions;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.common.IsolationLevel;
import org.apache.kafka.common.TopicPartition;

/** From the first polled input record until everything is committed: the input, then the repartition topics. */
final class MeasuredRun {
  private static final int POLL_MS = 20;

  private final Options options;
  private final Admin admin;

  private MeasuredRun(Options options, Admin admin) {
    this.options = options;
    this.admin = admin;
  }

  static Map<String, Object> run(Options options) throws Exception {
    try (Admin admin = Admin.create(Map.of("bootstrap.servers", options.brokers()))) {
      return new MeasuredRun(options, admin).measure();
    }
  }

  private Map<String, Object> measure() throws Exception {
    Probe.input = options.workload().toLowerCase() + "-in";
    Map<TopicPartition, Long> ends = ends(Probe.input);
    Probe.total = ends.values().stream().mapToLong(Long::longValue).sum();
    try (Instance instance = new Instance(options)) {
      instance.startAndAwaitRunning();
      while (Probe.polled < Probe.total || !isCommitted(ends, 0)) pause(instance);
      for (String topic : admin.listTopics().names().get()) {
        if (!topic.startsWith(options.applicationId() + "-")) continue;
        if (!topic.endsWith("-repartition")) continue;
        Map<TopicPartition, Long> last = ends(topic);
        // Under exactly once the last offset is a marker, which nobody has to pass.
        while (!isCommitted(last, options.exactlyOnce() ? 1 : 0)) pause(instance);
      }
      Probe.Mark end = Probe.Mark.now(Probe.total);
      return line(end, Probe.peakRssMiB());
    }
  }

  private static void pause(Instance instance) throws InterruptedException {
    instance.throwIfFailed();
    Thread.sleep(POLL_MS);
  }

  private Map<TopicPartition, Long> ends(String topic) throws Exception {
    var description = admin.describeTopics(List.of(topic)).allTopicNames().get().get(topic);
    Map<TopicPartition, OffsetSpec> asked = new HashMap<>();
    for (var info : description.partitions()) {
      asked.put(new TopicPartition(topic, info.partition()), OffsetSpec.latest());
    }
    Map<TopicPartition, Long> ends = new HashMap<>();
    admin
        .listOffsets(asked, new ListOffsetsOptions(IsolationLevel.READ_COMMITTED))
        .all()
        .get()
        .forEach((at, found) -> ends.put(at, found.offset()));
    return ends;
  }

  private boolean isCommitted(Map<TopicPartition, Long> ends, long slack) throws Exception {
    var committed =
        admin
            .listConsumerGroupOffsets(options.applicationId())
            .partitionsToOffsetAndMetadata()
            .get();
    return ends.entrySet().stream()
        .allMatch(
            end -> {
              var offset = committed.get(end.getKey());
              long at = offset == null ? 0 : offset.offset();
              return end.getValue() == 0 || at >= end.getValue() - slack;
            });
  }

  private static Map<String, Object> line(Probe.Mark end, double rssMiB) {
    Probe.Mark first = Probe.first;
    Probe.Mark middle = Probe.middle;
    Map<String, Object> line = new LinkedHashMap<>();
    long records = end.records();
    double wall = (end.nanos() - first.nanos()) / 1e9;
    double cpu = (end.cpuNanos() - first.cpuNanos()) / 1e9;
    line.put("records", records);
    line.put("wallSeconds", rounded(wall));
    line.put("recordsPerSecond", rounded(records / wall));
    long half = middle == null ? 0 : records - middle.records();
    // One poll may cross the middle of a short input and much more.
    if (half > 0.4 * records) {
      double halfCpu = (end.cpuNanos() - middle.cpuNanos()) / 1e9;
      line.put("lastHalfRecords", half);
      line.put("lastHalfRecordsPerSecond", rounded(half * 1e9 / (end.nanos() - middle.nanos())));
      line.put("lastHalfCpuSeconds", rounded(halfCpu));
      line.put("lastHalfCpuSecondsPerMillion", rounded(halfCpu * 1e6 / half));
    }
    line.put("cpuSeconds", rounded(cpu));
    line.put("cpuSecondsPerMillion", rounded(cpu * 1e6 / records));
    line.put("peakRssMiB", rounded(rssMiB));
    line.put("java", Runtime.version().toString());
    return line;
  }

  static double rounded(double value) {
    return Math.round(value * 1000) / 1000.0;
  }
}
