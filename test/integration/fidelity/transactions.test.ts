import { endTxn } from '../../../src/wire/messages/end-txn.ts';
import { initProducerId } from '../../../src/wire/messages/init-producer-id.ts';
import { listOffsets } from '../../../src/wire/messages/list-offsets.ts';
import { describeProducers } from '../../../src/wire/messages/describe-producers.ts';
import { describeTransactions } from '../../../src/wire/messages/describe-transactions.ts';
import { expectFidelity, RECORD_TIME_MS, type FidelityRun } from '../../support/fidelity.ts';
import {
  addOffsets,
  addPartition,
  commitInTxn,
  committedOffset,
  endTransaction,
  fetchFrom,
  initProducer,
  makeTopic,
  produceTo,
  untilComplete,
  untilDecided,
} from '../../support/fidelity-requests.ts';

jest.setTimeout(60_000);

/** The embedded broker answers as a real one does. */
describe('a producer id', () => {
  test('of a transactional id: who gets which, and who is fenced', () =>
    expectFidelity(async (run) => {
      for (const version of [3, 4, 5]) {
        const id = run.name('txn');
        const first = await initProducer(run, id, { version });
        await initProducer(run, id, { version });
        const third = await initProducer(run, id, { version });
        const ask = (producerId: number, producerEpoch: number) =>
          run.send(initProducerId, version, {
            transactionalId: id,
            transactionTimeoutMs: 60_000,
            producerId,
            producerEpoch,
          });
        await ask(0, 0);
        await ask(third.producerId, third.producerEpoch);
        await ask(third.producerId, third.producerEpoch);
        await ask(first.producerId, first.producerEpoch);
        await ask(third.producerId, third.producerEpoch + 7);
        await ask(third.producerId, -1);
        await ask(third.producerId + 1_000, 0);
      }
      const init = (transactionalId: string | null, transactionTimeoutMs: number) =>
        run.send(initProducerId, 4, { transactionalId, transactionTimeoutMs });
      await init(run.name('txn'), 900_001);
      await init(run.name('txn'), 0);
      await init('', 1_000);
      await init(null, 1_000);
    }));

  test('is asked for while a transaction is open: 51 until it is aborted', () =>
    expectFidelity(async (run) => {
      const topic = await makeTopic(run, 'topic');
      const id = run.name('txn');
      const producer = await initProducer(run, id);
      await addPartition(run, id, producer, topic);
      await produceTo(run, ['a'], { ...producer, baseSequence: 0, transactionalId: id, topic });
      await run.send(initProducerId, 4, { transactionalId: id, transactionTimeoutMs: 60_000 });
      await initProducer(run, id);
      await produceTo(run, ['b'], { ...producer, baseSequence: 1, transactionalId: id, topic });
      await untilDecided(run, topic);
      await fetchFrom(run, topic);
      await addPartition(run, id, producer, topic);
      await addPartition(run, id, producer, topic, { version: 1 });
      for (const version of [1, 4]) await endTransaction(run, id, producer, true, version);
    }));

  test('and epoch are given with a transaction open', () =>
    expectFidelity(async (run) => {
      const topic = await makeTopic(run, 'topic');
      const id = run.name('txn');
      const producer = await initProducer(run, id);
      await addPartition(run, id, producer, topic);
      await run.send(initProducerId, 4, {
        transactionalId: id,
        transactionTimeoutMs: 60_000,
        ...only(producer),
      });
      await initProducer(run, id, only(producer));
    }));
});

describe('protocol 1', () => {
  test('commits, aborts, and what both kinds of readers see', () =>
    expectFidelity(async (run) => {
      const topic = await makeTopic(run, 'topic', 2);
      const id = run.name('txn');
      const producer = await initProducer(run, id);
      const send = (values: string[], baseSequence: number, partition = 0) =>
        produceTo(run, values, {
          ...producer,
          baseSequence,
          transactionalId: id,
          topic,
          partition,
        });
      await endTransaction(run, id, producer, true);
      await endTransaction(run, id, producer, false);
      await addPartition(run, id, producer, topic);
      await send(['a', 'b'], 0);
      await send(['c'], 0, 1);
      await fetchFrom(run, topic);
      await fetchFrom(run, topic, { isolation: 0 });
      await offsets(run, topic);
      await describe1(run, topic, id);
      await endTransaction(run, id, producer, true);
      await untilDecided(run, topic);
      await endTransaction(run, id, producer, true);
      await endTransaction(run, id, producer, false);
      await fetchFrom(run, topic);
      await addPartition(run, id, producer, topic);
      await send(['d'], 2);
      await endTransaction(run, id, producer, false);
      await untilDecided(run, topic);
      await endTransaction(run, id, producer, true);
      await fetchFrom(run, topic);
      await fetchFrom(run, topic, { offset: 4 });
      await fetchFrom(run, topic, { isolation: 0 });
      await offsets(run, topic);
      await describe1(run, topic, id);
    }));

  test('aborted transactions are listed in the order of their markers', () =>
    expectFidelity(async (run) => {
      const topic = await makeTopic(run, 'topic');
      const [a, b] = [run.name('a'), run.name('b')];
      const first = await initProducer(run, a);
      const second = await initProducer(run, b);
      await addPartition(run, a, first, topic);
      await addPartition(run, b, second, topic);
      await produceTo(run, ['a0'], { ...first, baseSequence: 0, transactionalId: a, topic });
      await produceTo(run, ['b1'], { ...second, baseSequence: 0, transactionalId: b, topic });
      await produceTo(run, ['plain'], { topic });
      await produceTo(run, ['a3'], { ...first, baseSequence: 1, transactionalId: a, topic });
      await endTransaction(run, b, second, false);
      // The next request of b waits for its marker.
      await addPartition(run, b, second, topic);
      await endTransaction(run, a, first, false);
      await addPartition(run, a, first, topic);
      await endTransaction(run, a, first, true);
      await endTransaction(run, b, second, true);
      await untilComplete(run, a);
      await untilComplete(run, b);
      for (const offset of [0, 1, 2, 3]) await fetchFrom(run, topic, { offset });
      for (const maxBytes of [1, 70, 100, 200]) await fetchFrom(run, topic, { maxBytes });
    }));

  test('late requests hit the next transaction, and are fenced by a new epoch', () =>
    expectFidelity(async (run) => {
      const topic = await makeTopic(run, 'topic');
      const [id, group] = [run.name('txn'), run.name('group')];
      const producer = await initProducer(run, id);
      const spec = { ...producer, transactionalId: id, topic };
      const commit = { ...producer, transactionalId: id, groupId: group, topic };
      await addPartition(run, id, producer, topic);
      await produceTo(run, ['one'], { ...spec, baseSequence: 0 });
      await endTransaction(run, id, producer, true);
      await untilDecided(run, topic);
      // Between transactions, then in the next.
      await produceTo(run, ['late'], { ...spec, baseSequence: 1 });
      await addPartition(run, id, producer, topic);
      await produceTo(run, ['late'], { ...spec, baseSequence: 1 });
      await produceTo(run, ['two'], { ...spec, baseSequence: 1 });
      await addOffsets(run, id, producer, group);
      await commitInTxn(run, { ...commit, offset: 7 });
      await commitInTxn(run, { ...commit, offset: 3 });
      await endTransaction(run, id, producer, true);
      await untilComplete(run, id);
      await produceTo(run, ['after'], { ...spec, baseSequence: 2 });
      await untilDecided(run, topic);
      await committedOffset(run, group, topic, { waits: true });
      await fetchFrom(run, topic);
      await initProducer(run, id);
      await produceTo(run, ['old'], { ...spec, baseSequence: 2 });
      await commitInTxn(run, { ...commit, offset: 9 });
      await endTransaction(run, id, producer, true);
    }));

  test('a partition that was not added, strangers, and wrong ids', () =>
    expectFidelity(async (run) => {
      const topic = await makeTopic(run, 'topic');
      const [id, group] = [run.name('txn'), run.name('group')];
      const producer = await initProducer(run, id);
      const spec = { ...producer, transactionalId: id, topic, baseSequence: 0 };
      const commit = { ...producer, transactionalId: id, groupId: group, topic, offset: 1 };
      for (const version of [3, 9, 10, 11]) await produceTo(run, ['a'], { ...spec, version });
      for (const version of [0, 3, 4]) await commitInTxn(run, { ...commit, version });
      await addPartition(run, id, producer, topic);
      await addPartition(run, id, producer, 'no-such-topic');
      const wrong = { producerId: producer.producerId + 100_000, producerEpoch: 0 };
      await produceTo(run, ['a'], { ...spec, ...wrong });
      await addPartition(run, id, wrong, topic);
      await endTransaction(run, id, wrong, true);
      await addPartition(run, run.name('unknown'), producer, topic);
      await endTransaction(run, run.name('unknown'), producer, true);
      await commitInTxn(run, { ...commit, ...wrong });
      // What the broker does not check.
      await produceTo(run, ['no id'], { topic, transactionalId: id });
      await produceTo(run, ['no bit'], { ...spec, isTransactional: false });
      await produceTo(run, ['acks 1'], { ...spec, baseSequence: 1, acks: 1 });
      const other = { ...spec, topic: await makeTopic(run, 'other') };
      await addPartition(run, id, producer, other.topic);
      await produceTo(run, ['acks 1'], { ...other, baseSequence: 0, acks: 1 });
      await produceTo(run, ['no bit'], { ...other, baseSequence: 1, isTransactional: false });
      await endTransaction(run, id, producer, false);
      await untilComplete(run, id);
      await fetchFrom(run, topic);
    }));

  test('a transaction that is not ended is aborted, and its producer fenced', () =>
    expectFidelity(async (run) => {
      const topic = await makeTopic(run, 'topic');
      const id = run.name('txn');
      const producer = await initProducer(run, id, { transactionTimeoutMs: 200 });
      const spec = { ...producer, transactionalId: id, topic };
      await addPartition(run, id, producer, topic);
      await produceTo(run, ['a'], { ...spec, baseSequence: 0 });
      await untilComplete(run, id);
      await fetchFrom(run, topic);
      await produceTo(run, ['b'], { ...spec, baseSequence: 1 });
      await addPartition(run, id, producer, topic);
      for (const version of [1, 4]) await endTransaction(run, id, producer, true, version);
      await initProducer(run, id, { ...only(producer), transactionTimeoutMs: 200 });
    }));
});

describe('protocol 2', () => {
  const onProtocol2 = (script: (run: FidelityRun) => Promise<void>) =>
    expectFidelity(async (run) => {
      if (run.hasProtocol2) await script(run);
    });

  test('adds what is written, raises the epoch at every end, and begins at sequence 0', () =>
    onProtocol2(async (run) => {
      const topic = await makeTopic(run, 'topic', 2);
      const [id, group] = [run.name('txn'), run.name('group')];
      const producer = await initProducer(run, id);
      const base = { transactionalId: id, topic, version: 12 };
      await produceTo(run, ['a'], { ...base, ...producer, baseSequence: 5 });
      await produceTo(run, ['a'], { ...base, ...producer, baseSequence: 0 });
      await produceTo(run, ['b'], { ...base, ...producer, baseSequence: 1 });
      const commit = { transactionalId: id, groupId: group, topic, version: 5 };
      await commitInTxn(run, { ...commit, ...producer, offset: 4 });
      await committedOffset(run, group, topic);
      await committedOffset(run, group, topic, { requireStable: false });
      const next = await endTransaction(run, id, producer, true, 5);
      await endTransaction(run, id, producer, true, 5);
      await endTransaction(run, id, producer, false, 5);
      await committedOffset(run, group, topic, { waits: true, version: 8 });
      await produceTo(run, ['late'], { ...base, ...producer, baseSequence: 2 });
      await produceTo(run, ['c'], { ...base, ...next, baseSequence: 1 });
      await produceTo(run, ['c'], { ...base, ...next, baseSequence: 5, partition: 1 });
      await produceTo(run, ['c'], { ...base, ...next, baseSequence: 0 });
      await produceTo(run, ['late'], { ...base, ...producer, baseSequence: 2 });
      await commitInTxn(run, { ...commit, ...producer, offset: 2 });
      await endTransaction(run, id, producer, true, 5);
      const last = await endTransaction(run, id, next, false, 5);
      await untilDecided(run, topic);
      await endTransaction(run, id, last, true, 5);
      await endTransaction(run, id, last, false, 5);
      await fetchFrom(run, topic);
      await describe1(run, topic, id);
    }));

  test('a transaction that is not ended: commit is refused for certain, abort is fine', () =>
    onProtocol2(async (run) => {
      const topic = await makeTopic(run, 'topic');
      const id = run.name('txn');
      const producer = await initProducer(run, id, { transactionTimeoutMs: 200 });
      const spec = { ...producer, transactionalId: id, topic, version: 12 };
      await produceTo(run, ['a'], { ...spec, baseSequence: 0 });
      await untilComplete(run, id);
      await produceTo(run, ['b'], { ...spec, baseSequence: 1 });
      await endTransaction(run, id, producer, true, 5);
      await endTransaction(run, id, producer, false, 5);
      await initProducer(run, id, { ...only(producer), transactionTimeoutMs: 200 });
    }));

  test('an end of protocol 1 in a transaction of protocol 2 keeps the epoch', () =>
    onProtocol2(async (run) => {
      const topic = await makeTopic(run, 'topic');
      const id = run.name('txn');
      const producer = await initProducer(run, id);
      const spec = { ...producer, transactionalId: id, topic, version: 12 };
      await produceTo(run, ['a'], { ...spec, baseSequence: 0 });
      await run.send(endTxn, 4, { transactionalId: id, ...only(producer), committed: true });
      await untilComplete(run, id);
      await produceTo(run, ['b'], { ...spec, baseSequence: 1 });
      const ahead = { ...producer, producerEpoch: producer.producerEpoch + 3 };
      await produceTo(run, ['ahead'], { ...spec, ...ahead, baseSequence: 0 });
      await endTransaction(run, id, ahead, true, 5);
      await endTransaction(run, run.name('unknown'), producer, true, 5);
    }));
});

async function offsets(run: FidelityRun, topic: string): Promise<void> {
  for (const isolationLevel of [0, 1]) {
    for (const timestamp of [-2, -1, -3, 0, RECORD_TIME_MS, RECORD_TIME_MS + 1]) {
      await run.send(listOffsets, 7, {
        replicaId: -1,
        isolationLevel,
        topics: [{ name: topic, partitions: [{ partitionIndex: 0, timestamp }] }],
      });
    }
  }
}

async function describe1(run: FidelityRun, topic: string, id: string): Promise<void> {
  await run.send(describeProducers, 0, { topics: [{ name: topic, partitionIndexes: [0, 9] }] });
  await run.settle(
    describeTransactions,
    0,
    { transactionalIds: [id, 'no-such-id'] },
    ({ transactionStates: [state] }) => state?.transactionState.startsWith('Prepare') === true,
  );
}

function only({ producerId, producerEpoch }: { producerId: number; producerEpoch: number }) {
  return { producerId, producerEpoch };
}
