/**
 * The rules that exactly once rests on, each with an edit that breaks it and the test that must notice. The table of
 * docs/reliability.md says what each would do to a user.
 *
 *     name    what is broken, as the table says it
 *     file    where
 *     edits   texts, each there once, and what stands there instead
 *     test    the file whose tests must fail
 */
const CLIENT = 'test/unit/client';
const RUNTIME = 'test/unit/runtime';
const FILTER = 'test/property/committed-batches.test.ts';

const offsets = {
  file: 'src/client/committed-offsets.ts',
  test: `${CLIENT}/committed-offsets.test.ts`,
};
const transaction = {
  file: 'src/client/transaction-manager.ts',
  test: `${CLIENT}/transaction-manager.test.ts`,
};
const committer = { file: 'src/runtime/committer.ts', test: `${RUNTIME}/committer.test.ts` };
const thread = { file: 'src/runtime/stream-thread.ts', test: `${RUNTIME}/stream-thread.test.ts` };
const opener = { file: 'src/runtime/task-opener.ts', test: `${RUNTIME}/task-opener.test.ts` };
const positions = {
  file: 'src/runtime/changelog-positions.ts',
  test: `${RUNTIME}/changelog-positions.test.ts`,
};
const manager = { file: 'src/runtime/task-manager.ts', test: `${RUNTIME}/task-manager.test.ts` };
const filter = { file: 'src/client/committed-batches.ts', test: FILTER };
const overlay = { file: 'src/state/overlay.ts', test: 'test/property/store-model.test.ts' };

export const MUTANTS = [
  // The sixteen of the model and the plan.
  {
    name: 'offsets are read without requireStable',
    ...offsets,
    edits: [['...(v >= FIRST_STABLE ? { requireStable } : {}),', '']],
  },
  {
    name: 'a restore ends at the last stable offset',
    ...positions,
    edits: [
      [
        "admin.listOffsets(partitions, 'latest', 'read_uncommitted')",
        "admin.listOffsets(partitions, 'latest', 'read_committed')",
      ],
    ],
  },
  {
    name: 'offsets are committed without member and generation',
    ...transaction,
    edits: [['    assertMember(membership);\n', '']],
  },
  {
    name: 'a punctuation commits without offsets',
    file: 'src/runtime/stream-task.ts',
    edits: [['moved.length > 0 ? moved : known.slice(0, 1)', 'moved']],
    test: `${RUNTIME}/stream-task.test.ts`,
  },
  {
    name: 'the store is written before the transaction has committed',
    ...committer,
    edits: [
      [
        "    await settleAll(committing.map((open) => this.#writeStores(open)));\n    failpoints.pass('store.after');\n",
        "    failpoints.pass('store.after');\n",
      ],
      [
        "    failpoints.pass('offsets.before');\n",
        "    await settleAll(committing.map((open) => this.#writeStores(open)));\n    failpoints.pass('offsets.before');\n",
      ],
    ],
  },
  {
    name: 'an unknown outcome counts as committed',
    ...transaction,
    edits: [
      [
        '        throw this.#endError(error, isUncertain);',
        '        if (isUncertain) return;\n        throw this.#endError(error, isUncertain);',
      ],
    ],
  },
  {
    name: 'an unknown outcome counts as aborted: the epoch stays',
    ...transaction,
    edits: [["        this.#needsNewEpoch = true;\n        this.#phase = 'unready';\n", '']],
  },
  {
    name: 'protocol 1 repeats an EndTxn without an answer',
    ...transaction,
    edits: [['(this.#protocol === 2 || !isUncertain)', 'true']],
  },
  {
    name: 'changelog ends are read before the offsets are stable',
    ...opener,
    edits: [
      [
        '    const committed = await fetching;\n',
        '    const early = tasks.flatMap((assigned) => loggedStores(registry.of(assigned)));\n    await readChangelogFacts(admin, early);\n    const committed = await fetching;\n',
      ],
      ['    await settleAll([opening, fetching.then(() => undefined)]);\n', '    await opening;\n'],
    ],
  },
  {
    name: 'offsets are sent before every produce is acknowledged',
    ...committer,
    edits: [['    await producer.flush();\n', '']],
  },
  {
    name: 'tasks are opened again before the producer has an epoch',
    ...thread,
    edits: [
      [
        '    await this.#options.producer.initTransactions();\n    this.#producerReady = true;\n    this.#options.tasks.reopen();\n',
        '    this.#options.tasks.reopen();\n    await this.#options.producer.initTransactions();\n    this.#producerReady = true;\n',
      ],
    ],
  },
  {
    name: 'the overlay outlives an abort',
    ...overlay,
    edits: [
      [
        '      entry.pending = false;\n      entry.row = entry.sealed ?? undefined;\n    }\n    this.#pending = [];',
        '    }',
      ],
    ],
  },
  {
    name: 'a commit takes the generation of now, not of the assignment',
    ...thread,
    edits: [
      ['    const { membership } = tasks;\n', '    const membership = this.#member.membership;\n'],
    ],
  },
  {
    name: 'a batch of a restore is written with the end of the log as its position',
    file: 'src/runtime/changelog-reader.ts',
    edits: [
      [
        'topicId: facts.topicId, offset: this.#position, wallTimeMs',
        'topicId: facts.topicId, offset: facts.end, wallTimeMs',
      ],
    ],
    test: `${RUNTIME}/changelog-reader.test.ts`,
  },
  {
    name: 'a task that somebody else had in between goes on as it is',
    ...manager,
    edits: [['  return passed === 0 || passed === 1;', '  return passed >= 0;']],
  },
  {
    name: 'a repartition topic is purged before the commit',
    ...thread,
    edits: [
      [
        '    const offsets = await committer.commit(tasks.running, membership);\n',
        '    purge.committed(tasks.running.flatMap(({ task }) => [...task.committableOffsets()]));\n    const offsets = await committer.commit(tasks.running, membership);\n',
      ],
    ],
  },
  {
    name: 'a producer id that the coordinator has forgotten is tried again',
    file: 'src/client/broker-errors.ts',
    edits: [
      [
        "['STREAMS_TASK_MIGRATED', 'the coordinator has expired this producer id']",
        "['STREAMS_CLIENT', 'the coordinator has expired this producer id']",
      ],
    ],
    test: `${CLIENT}/transaction-manager.test.ts`,
  },

  // The transaction, beyond those.
  {
    name: 'a new epoch is asked for with the old one',
    ...transaction,
    edits: [
      [
        '          producerId: -1,\n          producerEpoch: -1,',
        '          producerId: this.#producerId,\n          producerEpoch: this.#epoch,',
      ],
    ],
  },
  {
    name: 'protocol 1 keeps its epoch after a lost answer',
    ...transaction,
    edits: [['if (this.isTransactional && this.#protocol === 1) this.#needsNewEpoch = true;', '']],
  },
  {
    name: 'protocol 2 keeps its epoch after an EndTxn',
    ...transaction,
    edits: [
      ['this.#adopt(response.producerId, response.producerEpoch)', 'this.#closeTransaction()'],
    ],
  },
  {
    name: 'protocol 2 ends with an EndTxn of protocol 1',
    ...transaction,
    edits: [['? { minVersion: FIRST_OF_PROTOCOL_2.endTxn }', '? { maxVersion: 4 }']],
  },
  {
    name: 'a transaction without offsets is committed',
    ...transaction,
    edits: [
      [
        "    invariant(this.#hasOffsets, 'every transaction commits offsets, else no generation guards it');\n",
        '',
      ],
    ],
  },
  {
    name: 'offsets may be sent while records are under way',
    file: 'src/client/producer.ts',
    edits: [
      [
        "    if (this.#failure !== null) throw this.#failure;\n    invariant(\n      this.#accumulator.active.size === 0,\n      'offsets follow when all records are in the log',\n    );\n",
        '',
      ],
    ],
    test: `${CLIENT}/transaction-manager.test.ts`,
  },
  {
    name: 'batches of a transaction do not say so',
    file: 'src/client/produce-sender.ts',
    edits: [['isTransactional: transaction.isTransactional', 'isTransactional: false']],
    test: `${CLIENT}/transaction-manager.test.ts`,
  },
  {
    name: 'an abort ends the transaction while a batch is under way',
    file: 'src/client/producer.ts',
    edits: [['    if (isUndecided) this.#transaction.requireNewEpoch();\n', '']],
    test: `${CLIENT}/transaction-manager.test.ts`,
  },

  // The thread and its tasks.
  {
    name: 'a failed commit keeps what is in memory',
    ...thread,
    edits: [
      [
        '    await tasks.discard();\n    if (!this.#producerReady) return;',
        '    if (!this.#producerReady) return;',
      ],
    ],
  },
  {
    name: 'a position goes back to what this life has written',
    ...committer,
    edits: [['Math.max(acked + 1, storage.position(topic)?.offset ?? end)', 'acked + 1']],
  },
  {
    name: 'a position of another topic of the same name is trusted',
    ...positions,
    edits: [['if (position.topicId !== topicId) {', 'if (false) {']],
  },
  {
    name: 'a position beyond the end of its log is trusted',
    ...positions,
    edits: [['if (offset > end)', 'if (false)']],
  },
  {
    name: 'a position from before tombstones were dropped is trusted',
    ...positions,
    edits: [['if (facts.compacted && ageMs', 'if (false && ageMs']],
  },
  {
    name: 'a purge takes topics that are not repartition topics',
    file: 'src/runtime/repartition-purge.ts',
    edits: [['      if (!this.#options.isRepartitionTopic(offset.topic)) continue;\n', '']],
    test: `${RUNTIME}/repartition-purge.test.ts`,
  },

  // The filter of read_committed.
  {
    name: 'aborted transactions are taken in the order of their markers',
    ...filter,
    edits: [['.sort((a, b) => a.firstOffset - b.firstOffset)', '']],
  },
  {
    name: 'one aborted transaction begins a batch, not all that are due',
    ...filter,
    edits: [
      [
        '      aborted.add(transaction.producerId);\n',
        '      aborted.add(transaction.producerId);\n      nextStarting++;\n      break;\n',
      ],
    ],
  },
  {
    name: 'an aborted producer stays aborted',
    ...filter,
    edits: [['    if (isAbort) aborted.delete(batch.producerId);\n', '']],
  },
  {
    name: "a user's key that looks like a marker ends an aborted transaction",
    ...filter,
    edits: [['batch.isControl && controlType(', 'controlType(']],
  },
  {
    name: 'markers are records',
    ...filter,
    edits: [
      [
        'if (batch.isControl || batch.recordCount === 0) continue;',
        'if (batch.recordCount === 0) continue;',
      ],
    ],
  },
  {
    name: 'the position stands still over batches that are left out',
    ...filter,
    edits: [
      ['    nextOffset = batch.nextOffset;\n', ''],
      [
        '      batches.push(batch);\n',
        '      batches.push(batch);\n      nextOffset = batch.nextOffset;\n',
      ],
    ],
  },

  // The group.
  {
    name: 'an answer of the coordinator that cannot be read stops the instance',
    file: 'src/client/group-member.ts',
    edits: [
      ["new Set(['STREAMS_CLIENT', 'STREAMS_CORRUPT_MESSAGE'])", "new Set(['STREAMS_CLIENT'])"],
    ],
    test: `${CLIENT}/group-member.test.ts`,
  },
  {
    name: 'a processor that never closes holds up its task',
    file: 'src/runtime/task-execution.ts',
    edits: [['    if (timers === undefined) {', '    if (timers !== undefined || true) {']],
    test: `${RUNTIME}/stream-task.test.ts`,
  },
];
