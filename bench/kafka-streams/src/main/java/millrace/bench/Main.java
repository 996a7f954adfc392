package millrace.bench;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.util.LinkedHashMap;
import java.util.Map;
import org.apache.kafka.streams.KafkaStreams;

/**
 * The same commands as {@code bench/app/main.ts}: {@code run}, {@code restart}, {@code serve}; each prints what it
 * found as one line of JSON, {@code serve} its EVENT lines.
 */
public final class Main {
  private Main() {}

  public static void main(String[] args) throws Exception {
    Options options = Options.parse(args);
    switch (options.command()) {
      case "run" -> print(MeasuredRun.run(options));
      case "restart" -> print(restart(options));
      case "serve" -> serve(options);
      default -> throw new IllegalArgumentException("no command " + options.command());
    }
    System.exit(0);
  }

  private static void print(Map<String, Object> line) throws Exception {
    System.out.println(new ObjectMapper().writeValueAsString(line));
  }

  /** One start to RUNNING of an application whose state was filled before. */
  private static Map<String, Object> restart(Options options) throws Exception {
    try (Instance instance = new Instance(options)) {
      Probe.Mark start = Probe.Mark.now(0);
      double seconds = instance.startAndAwaitRunning();
      double cpu = (Probe.Mark.now(0).cpuNanos() - start.cpuNanos()) / 1e9;
      long restored = instance.restored.get();
      Map<String, Object> line = new LinkedHashMap<>();
      line.put("startToRunningSeconds", MeasuredRun.rounded(seconds));
      line.put("restoredRecords", restored);
      line.put("restoredRecordsPerSecond", MeasuredRun.rounded(restored / seconds));
      line.put("cpuSeconds", MeasuredRun.rounded(cpu));
      line.put("peakRssMiB", MeasuredRun.rounded(Probe.peakRssMiB()));
      return line;
    }
  }

  /** Runs until SIGTERM. */
  private static void serve(Options options) throws Exception {
    Instance instance = new Instance(options);
    instance.onRestored = () -> event("RESTORED", 0, instance);
    instance.streams.setStateListener(
        (state, before) -> {
          boolean runs = state == KafkaStreams.State.RUNNING;
          int tasks =
              !runs
                  ? 0
                  : instance.streams.metadataForLocalThreads().stream()
                      .mapToInt(thread -> thread.activeTasks().size())
                      .sum();
          event(state.name(), tasks, instance);
        });
    Runtime.getRuntime().addShutdownHook(new Thread(instance::close));
    event("STARTED", 0, instance);
    instance.streams.start();
    Thread.currentThread().join();
  }

  private static void event(String name, int tasks, Instance instance) {
    long now = System.currentTimeMillis();
    System.out.println("EVENT " + name + " " + now + " " + tasks + " " + instance.restored.get());
    System.out.flush();
  }
}
