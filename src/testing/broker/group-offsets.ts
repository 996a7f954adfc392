import { partitionKey, type TopicPartition } from '../../common/topic-partition.ts';
import type { Outcome } from './transaction.ts';

export interface CommittedOffset extends TopicPartition {
  readonly offset: number;
  readonly leaderEpoch: number;
  readonly metadata: string;
}

/** With its place in the log of the offsets topic. */
interface Written {
  readonly offset: CommittedOffset;
  readonly position: number;
}

/**
 * The offsets of one group: committed, and pending in transactions that are not decided. A pending offset changes what is
 * committed only when the marker of its transaction arrives, which may be long after EndTxn was answered.
 */
export class GroupOffsets {
  readonly #committed = new Map<string, Written>();
  readonly #pending = new Map<number, Map<string, Written>>();
  #position = 0;

  get isEmpty(): boolean {
    return this.#committed.size === 0 && this.#pending.size === 0;
  }

  all(): readonly CommittedOffset[] {
    return [...this.#committed.values()].map(({ offset }) => offset);
  }

  get(topic: string, partition: number): CommittedOffset | undefined {
    return this.#committed.get(partitionKey(topic, partition))?.offset;
  }

  /** Whether some open transaction is about to change it: then a stable answer has to wait. */
  isPending(topic: string, partition: number): boolean {
    const key = partitionKey(topic, partition);
    return [...this.#pending.values()].some((offsets) => offsets.has(key));
  }

  commit(offset: CommittedOffset): void {
    this.#keep({ offset, position: this.#position++ });
  }

  commitInTransaction(producerId: number, offset: CommittedOffset): void {
    const pending = this.#pending.get(producerId) ?? new Map<string, Written>();
    this.#pending.set(producerId, pending);
    const written = { offset, position: this.#position++ };
    pending.set(partitionKey(offset.topic, offset.partition), written);
  }

  /** The marker of a transaction has come. */
  decide(producerId: number, outcome: Outcome): void {
    const pending = this.#pending.get(producerId);
    this.#pending.delete(producerId);
    if (outcome === 'commit') for (const written of pending?.values() ?? []) this.#keep(written);
  }

  delete(topic: string, partition: number): void {
    this.#committed.delete(partitionKey(topic, partition));
  }

  /** The topic is gone, and what was committed for it. */
  deleteTopic(topic: string): void {
    for (const offset of this.all())
      if (offset.topic === topic) this.delete(topic, offset.partition);
    for (const pending of this.#pending.values()) {
      for (const [key, { offset }] of pending) if (offset.topic === topic) pending.delete(key);
    }
  }

  /** Unless something was written after it: a commit outside of the transaction, before its marker came. */
  #keep(written: Written): void {
    const { topic, partition } = written.offset;
    const key = partitionKey(topic, partition);
    const position = this.#committed.get(key)?.position ?? -1;
    if (written.position > position) this.#committed.set(key, written);
  }
}
