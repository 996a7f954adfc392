import { KAFKA_ERRORS as ERROR } from '../../wire/error-codes.ts';
import type { RecordBatch } from '../../wire/record-batch.ts';

/** A batch that was taken, as far as a repetition of it is recognized by. */
export interface TakenBatch {
  readonly firstSequence: number;
  readonly lastSequence: number;
  readonly baseOffset: number;
  readonly lastOffset: number;
  readonly timestampMs: number;
}

/** What one partition knows of one producer. */
export interface ProducerState {
  readonly producerId: number;
  epoch: number;
  /** The last ones of this epoch, oldest first. */
  batches: TakenBatch[];
  /** Where its open transaction begins on this partition; null where it has none. */
  transactionStart: number | null;
  coordinatorEpoch: number;
  lastTimestampMs: number;
}

/** A producer may have five requests in flight: as many batches are remembered. */
const REMEMBERED_BATCHES = 5;
const MAX_SEQUENCE = 2 ** 31 - 1;
const NO_SEQUENCE = -1;

/**
 * The producers of one partition: which batch each may append next.
 *
 *     epoch lower than the last seen        INVALID_PRODUCER_EPOCH: it was fenced
 *     one of the last five batches again    a duplicate, answered with its first offset
 *     the next sequence, or 0 in a new epoch    taken
 *     any other sequence                    OUT_OF_ORDER_SEQUENCE_NUMBER
 *     the first batch of an unknown producer    taken with any sequence on transaction protocol 1, with 0 on protocol 2
 *
 * Source: `ProducerStateManager`, `ProducerAppendInfo` of Kafka; KIP-98, KIP-890.
 */
export class ProducerStates {
  readonly #states = new Map<number, ProducerState>();
  /** The lowest sequence that was verified with the coordinator, of producers whose transaction has not begun here. */
  readonly #verified = new Map<number, { readonly epoch: number; readonly sequence: number }>();

  all(): IterableIterator<ProducerState> {
    return this.#states.values();
  }

  /** Whether this producer, in this epoch, has begun a transaction here: then nobody has to be asked about the next batch. */
  hasOpenTransaction(producerId: number, epoch: number): boolean {
    const state = this.#states.get(producerId);
    return state !== undefined && state.transactionStart !== null && state.epoch === epoch;
  }

  /** The lowest offset of a transaction that is not decided here. */
  firstOpenOffset(): number | null {
    let first: number | null = null;
    for (const { transactionStart } of this.#states.values()) {
      if (transactionStart !== null && (first === null || transactionStart < first)) {
        first = transactionStart;
      }
    }
    return first;
  }

  /** The batch that this one repeats, by sequences alone: what is in it is not compared. */
  duplicateOf(batch: RecordBatch): TakenBatch | null {
    const state = this.#states.get(batch.producerId);
    if (state?.epoch !== batch.producerEpoch) return null;
    const lastSequence = lastSequenceOf(batch);
    return (
      state.batches.find(
        (taken) =>
          taken.firstSequence === batch.baseSequence && taken.lastSequence === lastSequence,
      ) ?? null
    );
  }

  /** Somebody asks the coordinator about this batch: one with a higher sequence must not come before it. */
  noteVerification({ producerId, producerEpoch: epoch, baseSequence }: RecordBatch): void {
    const known = this.#verified.get(producerId);
    const sequence = known?.epoch === epoch ? Math.min(known.sequence, baseSequence) : baseSequence;
    if (known === undefined || known.epoch <= epoch) {
      this.#verified.set(producerId, { epoch, sequence });
    }
  }

  /** The error code for a batch that is no duplicate; NONE when it may be appended. */
  check(batch: RecordBatch, startsAtZero: boolean): number {
    const state = this.#states.get(batch.producerId);
    const verified = this.#verified.get(batch.producerId);
    if (state !== undefined && batch.producerEpoch < state.epoch) {
      return ERROR.INVALID_PRODUCER_EPOCH;
    }
    if (verified !== undefined && batch.baseSequence > verified.sequence) {
      return ERROR.OUT_OF_ORDER_SEQUENCE_NUMBER;
    }
    if (state === undefined) {
      return startsAtZero && batch.baseSequence !== 0
        ? ERROR.OUT_OF_ORDER_SEQUENCE_NUMBER
        : ERROR.NONE;
    }
    if (!isInSequence(state, batch)) return ERROR.OUT_OF_ORDER_SEQUENCE_NUMBER;
    // In a transaction a plain batch would be visible at once.
    return state.transactionStart !== null && !batch.isTransactional
      ? ERROR.INVALID_TXN_STATE
      : ERROR.NONE;
  }

  /** Notes a batch that has got its offsets. */
  append(batch: RecordBatch): void {
    const { producerId, producerEpoch } = batch;
    const state = this.#of(producerId, producerEpoch);
    state.batches.push({
      firstSequence: batch.baseSequence,
      lastSequence: lastSequenceOf(batch),
      baseOffset: batch.baseOffset,
      lastOffset: batch.lastOffset,
      timestampMs: batch.maxTimestampMs,
    });
    if (state.batches.length > REMEMBERED_BATCHES) state.batches.shift();
    state.lastTimestampMs = batch.maxTimestampMs;
    if (batch.isTransactional) this.begin(producerId, producerEpoch, batch.baseOffset);
  }

  /** Opens the producer's transaction at this offset, unless it is open already. */
  begin(producerId: number, epoch: number, offset: number): void {
    this.#of(producerId, epoch).transactionStart ??= offset;
    this.#verified.delete(producerId);
  }

  /** Ends the producer's transaction, with the epoch of the marker; returns where it began, null where it had none. */
  end(
    producerId: number,
    epoch: number,
    coordinatorEpoch: number,
    timestampMs: number,
  ): number | null {
    const state = this.#of(producerId, epoch);
    const start = state.transactionStart;
    state.transactionStart = null;
    this.#verified.delete(producerId);
    state.coordinatorEpoch = coordinatorEpoch;
    state.lastTimestampMs = timestampMs;
    return start;
  }

  #of(producerId: number, epoch: number): ProducerState {
    let state = this.#states.get(producerId);
    if (state === undefined) {
      state = {
        producerId,
        epoch,
        batches: [],
        transactionStart: null,
        coordinatorEpoch: -1,
        lastTimestampMs: -1,
      };
      this.#states.set(producerId, state);
    }
    if (epoch > state.epoch) {
      state.epoch = epoch;
      state.batches = [];
    }
    return state;
  }
}

export function lastSequenceOf(batch: RecordBatch): number {
  const span = batch.lastOffset - batch.baseOffset;
  const { baseSequence } = batch;
  // Sequences begin again at 0 behind 2^31 - 1.
  return baseSequence > MAX_SEQUENCE - span
    ? span - (MAX_SEQUENCE - baseSequence) - 1
    : baseSequence + span;
}

function isInSequence(state: ProducerState, batch: RecordBatch): boolean {
  if (batch.producerEpoch !== state.epoch) return batch.baseSequence === 0;
  const last = state.batches.at(-1)?.lastSequence ?? NO_SEQUENCE;
  return batch.baseSequence === (last === MAX_SEQUENCE ? 0 : last + 1);
}
