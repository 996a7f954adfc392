import { StreamsError, isStreamsError } from '../common/errors.ts';
import { ZERO_UUID } from '../wire/uuid.ts';
import { Backoff } from './backoff.ts';
import type { FetchPartition } from './fetch-partition.ts';
import type { KafkaClient } from './kafka-client.ts';

export interface PartitionLeadersOptions {
  readonly client: KafkaClient;
  /** How long a topic may be unknown to the cluster before that is an error. */
  readonly missingTopicTimeoutMs: number;
  /** Ends the waits. */
  readonly signal: AbortSignal;
  /** What is read now. */
  readonly partitions: () => Iterable<FetchPartition>;
  /** The metadata were read again: ask anew. */
  readonly onChange: () => void;
  /** One partition cannot be read: its topic is gone, or another one now. */
  readonly onError: (state: FetchPartition, error: StreamsError) => void;
  /** Nothing can be read. */
  readonly onFailure: (error: unknown) => void;
}

/** Which broker leads each partition that is read, and whether its topic is still the one that was meant. */
export class PartitionLeaders {
  readonly #options: PartitionLeadersOptions;
  readonly #backoff: Backoff;
  #isLoading = false;

  constructor(options: PartitionLeadersOptions) {
    this.#options = options;
    this.#backoff = new Backoff(options.client.backoff, options.client.random);
  }

  /** Partitions by the node that leads them. Those without a leader are left out, and the metadata asked for in the background. */
  byNode(): ReadonlyMap<number, FetchPartition[]> {
    const { client, partitions } = this.#options;
    const byNode = new Map<number, FetchPartition[]>();
    const unknown = new Set<string>();
    for (const state of partitions()) {
      if (state.error !== null) continue;
      const { topic, partition } = state;
      const info = client.cachedTopic(topic);
      const leader = info?.partitions[partition]?.leader ?? -1;
      if (leader < 0 || !client.isFresh(topic)) unknown.add(topic);
      if (info === undefined || leader < 0 || !this.#checkTopicId(state, info.topicId)) continue;
      const ofNode = byNode.get(leader);
      if (ofNode === undefined) byNode.set(leader, [state]);
      else ofNode.push(state);
    }
    if (unknown.size > 0) void this.#load([...unknown]);
    return byNode;
  }

  #checkTopicId(state: FetchPartition, topicId: string): boolean {
    if (topicId === ZERO_UUID) return true;
    state.topicId ??= topicId;
    if (state.topicId === topicId) return true;
    this.#options.onError(
      state,
      new StreamsError(
        'STREAMS_TOPIC_RECREATED',
        'the topic was deleted and made again: its offsets mean other records now. ' +
          'Reset the application, or restore the topic',
        { site: { topic: state.topic, partition: state.partition, offset: state.position } },
      ),
    );
    return false;
  }

  async #load(topics: readonly string[]): Promise<void> {
    if (this.#isLoading) return;
    this.#isLoading = true;
    const { client, signal, onChange, onFailure } = this.#options;
    try {
      if (await this.#read(topics)) this.#backoff.reset();
      else await client.timers.sleep(this.#backoff.nextMs(), signal);
    } catch (error) {
      onFailure(error);
    } finally {
      this.#isLoading = false;
      onChange();
    }
  }

  /** False while a partition that is read has no leader. */
  async #read(topics: readonly string[]): Promise<boolean> {
    const { client, partitions } = this.#options;
    try {
      const found = await client.topics(topics, { refresh: true });
      let isComplete = true;
      for (const state of partitions()) {
        if (!found.has(state.topic)) continue;
        const info = found.get(state.topic)?.partitions[state.partition];
        isComplete &&= info !== undefined && info.leader >= 0;
        this.#noteMissing(state, info !== undefined);
      }
      return isComplete;
    } catch (error) {
      if (isStreamsError(error) && error.recovery === 'retry') return false;
      throw error;
    }
  }

  #noteMissing(state: FetchPartition, isKnown: boolean): void {
    if (isKnown) {
      state.missingSinceMs = null;
      return;
    }
    const { client, missingTopicTimeoutMs, onError } = this.#options;
    const nowMs = client.clock.monotonicMs();
    state.missingSinceMs ??= nowMs;
    if (nowMs - state.missingSinceMs < missingTopicTimeoutMs) return;
    const { topic, partition } = state;
    onError(
      state,
      new StreamsError('STREAMS_TOPIC_MISSING', 'the cluster has no such topic or partition', {
        site: { topic, partition },
      }),
    );
  }
}
