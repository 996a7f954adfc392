package millrace.bench;

import java.util.HashMap;
import java.util.Map;

/** The command line: {@code command [workload] --name value ...}, the same as of our own application. */
record Options(String command, String workload, Map<String, String> named) {

  static Options parse(String[] args) {
    String command = args.length > 0 ? args[0] : "";
    boolean hasWorkload = args.length > 1 && !args[1].startsWith("--");
    Map<String, String> named = new HashMap<>();
    for (int at = hasWorkload ? 2 : 1; at < args.length; at += 2) {
      if (!args[at].startsWith("--") || at + 1 == args.length) {
        throw new IllegalArgumentException("not an option with a value: " + args[at]);
      }
      named.put(args[at].substring(2), args[at + 1]);
    }
    return new Options(command, hasWorkload ? args[1] : "W6", named);
  }

  String brokers() {
    return named.getOrDefault("brokers", "127.0.0.1:9092");
  }

  String applicationId() {
    return required("app-id");
  }

  String stateDir() {
    return required("state-dir");
  }

  boolean exactlyOnce() {
    return named.getOrDefault("guarantee", "alo").equals("eos");
  }

  long cacheBytes() {
    return Long.parseLong(named.getOrDefault("cache", "0"));
  }

  int threads() {
    return Integer.parseInt(named.getOrDefault("threads", "1"));
  }

  /** 0 leaves the default. */
  int sessionTimeoutMs() {
    return Integer.parseInt(named.getOrDefault("session-timeout", "0"));
  }

  boolean liveOnly() {
    return Boolean.parseBoolean(named.getOrDefault("live-only", "false"));
  }

  private String required(String name) {
    String value = named.get(name);
    if (value == null) throw new IllegalArgumentException("--" + name + " is required");
    return value;
  }
}
