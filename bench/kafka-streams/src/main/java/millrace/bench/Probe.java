package millrace.bench;

import com.sun.management.OperatingSystemMXBean;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.apache.kafka.clients.consumer.ConsumerInterceptor;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;

/** Sees each poll of the main consumers; notes the clocks at the first input records and at the middle. */
public final class Probe implements ConsumerInterceptor<Object, Object> {
  private static final OperatingSystemMXBean SYSTEM =
      (OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();

  /** The clocks of this process, and the input records that it had polled. */
  record Mark(long nanos, long cpuNanos, long records) {
    static Mark now(long records) {
      return new Mark(System.nanoTime(), SYSTEM.getProcessCpuTime(), records);
    }
  }

  static volatile String input = "";
  static volatile long total = Long.MAX_VALUE;
  static volatile long polled;
  static volatile Mark first;
  static volatile Mark middle;

  static double peakRssMiB() throws Exception {
    for (String line : Files.readAllLines(Path.of("/proc/self/status"))) {
      if (line.startsWith("VmHWM:")) return Long.parseLong(line.replaceAll("\\D", "")) / 1024.0;
    }
    return 0;
  }

  @Override
  public ConsumerRecords<Object, Object> onConsume(ConsumerRecords<Object, Object> records) {
    int count = 0;
    for (var partition : records.partitions()) {
      if (partition.topic().equals(input)) count += records.records(partition).size();
    }
    if (count > 0) add(count);
    return records;
  }

  /** Several stream threads poll. */
  private static synchronized void add(int count) {
    polled += count;
    if (first == null) first = Mark.now(0);
    if (middle == null && polled >= total / 2) middle = Mark.now(polled);
  }

  @Override
  public void onCommit(Map<org.apache.kafka.common.TopicPartition, OffsetAndMetadata> offsets) {}

  @Override
  public void close() {}

  @Override
  public void configure(Map<String, ?> configs) {}
}
