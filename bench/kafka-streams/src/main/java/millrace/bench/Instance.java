package millrace.bench;

import java.time.Duration;
import java.util.Properties;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.errors.StreamsUncaughtExceptionHandler.StreamThreadExceptionResponse;
import org.apache.kafka.streams.processor.StateRestoreListener;

/** One instance of Kafka Streams; whatever is not set here is its default. */
final class Instance implements AutoCloseable {
  final KafkaStreams streams;
  final AtomicLong restored = new AtomicLong();
  volatile Throwable failure;
  volatile Runnable onRestored = () -> {};

  Instance(Options options) {
    Properties config = new Properties();
    boolean eos = options.exactlyOnce();
    config.put(StreamsConfig.APPLICATION_ID_CONFIG, options.applicationId());
    config.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, options.brokers());
    config.put(StreamsConfig.STATE_DIR_CONFIG, options.stateDir());
    config.put(
        StreamsConfig.PROCESSING_GUARANTEE_CONFIG,
        eos ? StreamsConfig.EXACTLY_ONCE_V2 : StreamsConfig.AT_LEAST_ONCE);
    config.put(StreamsConfig.COMMIT_INTERVAL_MS_CONFIG, eos ? 100L : 1000L);
    config.put(StreamsConfig.STATESTORE_CACHE_MAX_BYTES_CONFIG, options.cacheBytes());
    config.put(StreamsConfig.NUM_STREAM_THREADS_CONFIG, options.threads());
    config.put("main.consumer.interceptor.classes", Probe.class.getName());
    if (options.sessionTimeoutMs() > 0) {
      config.put("consumer.session.timeout.ms", options.sessionTimeoutMs());
    }
    streams = new KafkaStreams(Topologies.of(options), config);
    streams.setUncaughtExceptionHandler(
        thrown -> {
          failure = thrown;
          return StreamThreadExceptionResponse.SHUTDOWN_CLIENT;
        });
    streams.setGlobalStateRestoreListener(
        new StateRestoreListener() {
          @Override
          public void onRestoreStart(TopicPartition at, String store, long from, long to) {}

          @Override
          public void onBatchRestored(TopicPartition at, String store, long end, long count) {}

          @Override
          public void onRestoreEnd(TopicPartition at, String store, long count) {
            restored.addAndGet(count);
            onRestored.run();
          }
        });
  }

  /** Blocks until RUNNING; returns how long that took. */
  double startAndAwaitRunning() throws Exception {
    long started = System.nanoTime();
    streams.start();
    while (streams.state() != KafkaStreams.State.RUNNING) {
      throwIfFailed();
      Thread.sleep(1);
    }
    return (System.nanoTime() - started) / 1e9;
  }

  void throwIfFailed() {
    if (failure != null) throw new IllegalStateException("the streams have failed", failure);
  }

  @Override
  public void close() {
    streams.close(Duration.ofSeconds(60));
  }
}
