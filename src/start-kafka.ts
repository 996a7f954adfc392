import type { KafkaBroker, StartKafkaOptions } from './adapters/broker/kafka-broker.ts';
import { startKafka as startKafkaOr } from './adapters/broker/start-kafka.ts';
import { startEmbeddedKafka } from './embedded-kafka.ts';

/**
 * Gets a Kafka cluster: the one that KAFKA_BROKERS names; else a new one in Docker, where an engine answers and
 * testcontainers is installed; else a new one in JVMs of this machine, from jars that Maven fetches once; else, with
 * `mayEmbed`, an `EmbeddedBroker` in this process.
 *
 * Errors: `STREAMS_CONFIG` for a wrong option, for a broker that does not start (with the end of its log), and, when none
 * of them is there, with what to install. The reason of `signal` after an abort. Nothing is left running in any of these
 * cases.
 */
export function startKafka(options: StartKafkaOptions = {}): Promise<KafkaBroker> {
  return startKafkaOr(options, startEmbeddedKafka);
}
