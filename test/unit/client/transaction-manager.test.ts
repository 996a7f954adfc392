import * as messages from '../../../src/wire/messages/index.ts';
import { producerScene, refuseProduce } from '../../support/scripted-producer.ts';
import type { ScriptedCluster } from '../../support/scripted-cluster.ts';

const protocol1 = (cluster: ScriptedCluster): void => {
  cluster.transactionVersion = 1;
};

/** Sets the top-level error code of an answer. */
function code<T extends { readonly errorCode: number }>(errorCode: number): (usual: T) => T {
  return (usual) => ({ ...usual, errorCode });
}

function offsetsCode(
  errorCode: number,
): (usual: messages.TxnOffsetCommitResponse) => messages.TxnOffsetCommitResponse {
  return (usual) => ({
    ...usual,
    topics: usual.topics.map((topic) => ({
      ...topic,
      partitions: topic.partitions.map((partition) => ({ ...partition, errorCode })),
    })),
  });
}

describe('protocol 2', () => {
  test('speaks Produce 12, TxnOffsetCommit 5 and EndTxn 5, and tells the coordinator nothing beforehand', async () => {
    const s = await producerScene();
    s.append('a');
    await s.commit();
    expect(s.cluster.log.slice(-4)).toEqual([
      'Produce v12@1',
      'FindCoordinator v5@1',
      'TxnOffsetCommit v5@1',
      'EndTxn v5@1',
    ]);
  });

  test('takes over the epoch of each EndTxn, and sequences begin at 0 again', async () => {
    const s = await producerScene();
    for (const value of ['a', 'b', 'c']) {
      s.append(value);
      s.append(value);
      await s.commit();
    }
    expect(s.received.map(({ epoch, sequence }) => [epoch, sequence])).toEqual([
      [0, 0],
      [1, 0],
      [2, 0],
    ]);
    expect(s.ends).toEqual(['init -1 -1', 'commit 0', 'commit 1', 'commit 2']);
  });

  test('repeats an EndTxn without an answer: 0 means committed', async () => {
    const s = await producerScene((cluster) => cluster.next(messages.endTxn, 'cut', code(51)));
    s.append('a');
    await s.commit();
    expect(s.cluster.log.filter((line) => line.startsWith('EndTxn'))).toHaveLength(3);
    expect(s.producer.inTransaction).toBe(false);
  });

  test.each([
    ['no answer, then 48: certainly not committed', ['lost', 48], 'STREAMS_TXN_TIMEOUT'],
    ['no answer, then 90: somebody took the id', ['lost', 90], 'STREAMS_COMMIT_OUTCOME_UNKNOWN'],
    ['90 at once: fenced', [90], 'STREAMS_TASK_MIGRATED'],
    ['48 at once: timed out', [48], 'STREAMS_TXN_TIMEOUT'],
    ['120: to be aborted', [120], 'STREAMS_TXN_TIMEOUT'],
    ['53: not allowed', [53], 'STREAMS_AUTHORIZATION'],
  ] as const)('EndTxn: %s', async (_name, answers, expected) => {
    const s = await producerScene((cluster) => {
      for (const answer of answers) {
        cluster.next(messages.endTxn, answer === 'lost' ? answer : code(answer));
      }
    });
    s.append('a');
    await expect(s.commit()).rejects.toMatchObject({ code: expected });
  });

  test('an EndTxn that is never answered has an unknown outcome after the deadline, and a new epoch follows', async () => {
    const s = await producerScene((cluster) => cluster.on(messages.endTxn, () => 'cut'), {
      transactionStepTimeoutMs: 1_000,
    });
    s.append('a');
    await expect(s.commit()).rejects.toMatchObject({ code: 'STREAMS_COMMIT_OUTCOME_UNKNOWN' });
    await s.producer.abortTransaction();
    expect(s.ends).toEqual(['init -1 -1', 'init -1 -1']);
  });

  test('a lost Produce answer needs no new epoch: the end of the transaction brings one', async () => {
    const s = await producerScene((cluster) => cluster.next(messages.produce, 'lost'));
    s.append('a');
    await s.commit();
    expect(s.received.map(({ sequence, values }) => [sequence, ...values])).toEqual([
      [0, 'a'],
      [0, 'a'],
    ]);
    expect(s.ends).toEqual(['init -1 -1', 'commit 0']);
  });
});

describe('protocol 1', () => {
  test('adds all partitions before their first batch, and the group before its offsets, once a transaction', async () => {
    const s = await producerScene(protocol1);
    for (let round = 0; round < 2; round++) {
      s.append('a', 0);
      s.append('b', 1);
      await s.producer.flush();
      s.append('c', 0);
      await s.commit();
    }
    const round = [
      'AddPartitionsToTxn v3@1',
      'Produce v11@1',
      'Produce v11@1',
      'AddOffsetsToTxn v4@1',
      'TxnOffsetCommit v4@1',
      'EndTxn v4@1',
    ];
    const log = s.cluster.log.filter((line) => !/FindCoordinator|InitProducerId/.test(line));
    expect(log).toEqual([...round, ...round]);
  });

  test('keeps epoch and sequences from one transaction to the next', async () => {
    const s = await producerScene(protocol1);
    for (const value of ['a', 'b']) {
      s.append(value);
      await s.commit();
    }
    expect(s.received.map(({ epoch, sequence }) => [epoch, sequence])).toEqual([
      [0, 0],
      [0, 1],
    ]);
    expect(s.ends).toEqual(['init -1 -1', 'commit 0', 'commit 0']);
  });

  test.each([
    ['no answer', 'lost' as const],
    ['NOT_COORDINATOR', code<messages.EndTxnResponse>(16)],
    ['COORDINATOR_NOT_AVAILABLE', code<messages.EndTxnResponse>(15)],
  ])(
    'never repeats an EndTxn after %s: a late copy would commit the next transaction',
    async (_name, answer) => {
      const s = await producerScene((cluster) => {
        protocol1(cluster);
        cluster.next(messages.endTxn, answer);
      });
      s.append('a');
      await expect(s.commit()).rejects.toMatchObject({ code: 'STREAMS_COMMIT_OUTCOME_UNKNOWN' });
      expect(s.cluster.log.filter((line) => line.startsWith('EndTxn'))).toHaveLength(1);
      await s.producer.abortTransaction();
      s.append('b');
      await s.commit();
      expect(s.received.at(-1)).toMatchObject({ epoch: 1, sequence: 0 });
      expect(s.ends).toEqual(['init -1 -1', 'commit 0', 'init -1 -1', 'commit 1']);
    },
  );

  test('asks again where EndTxn was certainly not carried out', async () => {
    const s = await producerScene((cluster) => {
      protocol1(cluster);
      cluster.next(messages.endTxn, code(51), code(14), code(51));
    });
    s.append('a');
    await s.commit();
    expect(s.cluster.log.filter((line) => line.startsWith('EndTxn'))).toHaveLength(4);
  });

  test.each([
    ['Produce', messages.produce],
    ['TxnOffsetCommit', messages.txnOffsetCommit],
    ['AddOffsetsToTxn', messages.addOffsetsToTxn],
    ['AddPartitionsToTxn', messages.addPartitionsToTxn],
  ] as const)(
    'commits after a lost answer of %s, and changes the epoch before the next transaction',
    async (_name, api) => {
      const s = await producerScene((cluster) => {
        protocol1(cluster);
        cluster.lose(api);
      });
      s.append('a');
      await s.commit();
      s.append('b');
      await s.commit();
      expect(s.ends).toEqual(['init -1 -1', 'commit 0', 'init -1 -1', 'commit 1']);
      expect(s.received.at(-1)).toMatchObject({ epoch: 1, sequence: 0, values: ['b'] });
    },
  );

  test('a fence and a timeout look alike, so both are restored', async () => {
    const s = await producerScene((cluster) => {
      protocol1(cluster);
      cluster.next(messages.endTxn, code(90));
    });
    s.append('a');
    await expect(s.commit()).rejects.toMatchObject({ code: 'STREAMS_TXN_TIMEOUT' });
  });
});

describe.each([1, 2])('both protocols: %i', (level) => {
  const setUp =
    (more: (cluster: ScriptedCluster) => void = () => undefined) =>
    (cluster: ScriptedCluster): void => {
      cluster.transactionVersion = level;
      more(cluster);
    };

  test('the id is asked for with (-1, -1) until the coordinator is ready', async () => {
    const s = await producerScene(
      setUp((cluster) =>
        cluster.next(messages.initProducerId, code(51), code(14), code(16), 'cut'),
      ),
    );
    expect(s.ends).toEqual(Array.from({ length: 4 }, () => 'init -1 -1'));
  });

  test.each([
    [22, 'STREAMS_TASK_MIGRATED'],
    [25, 'STREAMS_TASK_MIGRATED'],
    [82, 'STREAMS_TASK_MIGRATED'],
    [47, 'STREAMS_TXN_TIMEOUT'],
    [49, 'STREAMS_TASK_MIGRATED'],
    [48, 'STREAMS_TXN_TIMEOUT'],
    [30, 'STREAMS_AUTHORIZATION'],
    [12, 'STREAMS_CONFIG'],
  ])(
    'offsets refused with %i are %s, and an abort makes the producer usable',
    async (errorCode, expected) => {
      const s = await producerScene(
        setUp((cluster) => cluster.next(messages.txnOffsetCommit, offsetsCode(errorCode))),
      );
      s.append('a');
      await expect(s.commit()).rejects.toMatchObject({ code: expected });
      await expect(s.producer.commitTransaction()).rejects.toMatchObject({ code: expected });
      await s.producer.abortTransaction();
      s.append('b');
      await s.commit();
      expect(s.received.at(-1)?.values).toEqual(['b']);
    },
  );

  test.each([14, 15, 16, 51, 7])('offsets refused with %i are sent again', async (errorCode) => {
    const s = await producerScene(
      setUp((cluster) => cluster.next(messages.txnOffsetCommit, offsetsCode(errorCode))),
    );
    s.append('a');
    await s.commit();
    expect(s.cluster.log.filter((line) => line.startsWith('TxnOffsetCommit'))).toHaveLength(2);
  });

  test('an abort while a batch is under way takes a new epoch instead of ending the transaction', async () => {
    const s = await producerScene(setUp((cluster) => cluster.next(messages.produce, 'hang')));
    s.append('a');
    const flushed = s.producer.flush().catch((error: unknown) => error);
    await s.cluster.time.advanceUntil('the batch is under way', () =>
      s.cluster.log.some((line) => line.startsWith('Produce')),
    );
    await s.producer.abortTransaction();
    expect(s.ends).toEqual(['init -1 -1', 'init -1 -1']);
    s.append('b');
    await s.commit();
    expect(s.received.map(({ epoch, values }) => [epoch, ...values])).toEqual([[1, 'b']]);
    expect(await flushed).toMatchObject({ code: 'STREAMS_TASK_CORRUPTED' });
  });

  test('a clean abort ends the transaction', async () => {
    const s = await producerScene(setUp());
    s.append('a');
    await s.producer.flush();
    await s.producer.abortTransaction();
    expect(s.ends).toEqual(['init -1 -1', 'abort 0']);
  });

  test.each([45, 59, 47, 120, 49])(
    'a batch refused with %i fails everything until the abort',
    async (errorCode) => {
      const s = await producerScene(
        setUp((cluster) => cluster.next(messages.produce, refuseProduce(errorCode))),
      );
      s.append('a');
      await expect(s.producer.flush()).rejects.toThrow(`(${errorCode})`);
      expect(() => {
        s.append('b');
      }).toThrow(`(${errorCode})`);
      await expect(s.producer.drain()).rejects.toThrow(`(${errorCode})`);
      await expect(s.producer.commitTransaction()).rejects.toThrow(`(${errorCode})`);
      await s.producer.abortTransaction();
      s.append('c');
      await s.commit();
      expect(s.received.at(-1)).toMatchObject({ epoch: 1, sequence: 0, values: ['c'] });
    },
  );
});

describe('what the broker does not check', () => {
  const nobodies = [
    { groupId: 'group', memberId: '', generationId: 3, groupInstanceId: null },
    { groupId: 'group', memberId: 'm', generationId: -1, groupInstanceId: null },
  ];

  test.each(nobodies)('offsets of nobody are never sent: %j', async (nobody) => {
    const s = await producerScene();
    s.append('a');
    await s.producer.flush();
    const offsets = [{ topic: 'in', partition: 0, offset: 1, metadata: '' }];
    await expect(s.producer.sendOffsets(offsets, nobody)).rejects.toMatchObject({
      code: 'STREAMS_INVARIANT',
    });
    expect(s.cluster.log.some((line) => line.startsWith('TxnOffsetCommit'))).toBe(false);
  });

  test('a transaction without offsets is never committed', async () => {
    const s = await producerScene();
    s.append('a');
    await s.producer.flush();
    await expect(s.producer.commitTransaction()).rejects.toMatchObject({
      code: 'STREAMS_INVARIANT',
    });
    expect(s.ends).toEqual(['init -1 -1']);
  });

  test('offsets are never sent before every record is in the log', async () => {
    const s = await producerScene();
    s.append('a');
    const offsets = [{ topic: 'in', partition: 0, offset: 1, metadata: '' }];
    const member = { groupId: 'group', memberId: 'm', generationId: 3, groupInstanceId: null };
    await expect(s.producer.sendOffsets(offsets, member)).rejects.toMatchObject({
      code: 'STREAMS_INVARIANT',
    });
  });
});

test('every batch of a transaction carries its flag, id and epoch; those without a transactional id carry no flag', async () => {
  const transactional = await producerScene();
  transactional.append('a');
  await transactional.commit();
  expect(transactional.received).toMatchObject([{ isTransactional: true, epoch: 0, sequence: 0 }]);

  const plain = await producerScene(undefined, { transactionalId: null });
  plain.append('a');
  await plain.producer.flush();
  plain.append('b');
  await plain.producer.flush();
  expect(plain.received).toMatchObject([
    { isTransactional: false, epoch: 0, sequence: 0 },
    { isTransactional: false, epoch: 0, sequence: 1 },
  ]);
});
