/**
 * Where a crash is interesting: the edges of a commit, of a restore and of a rebalance. The crash test kills the process
 * at each of them (docs/reliability.md). In the order in which a thread meets them.
 *
 *     group.join        a JoinGroup is about to go out
 *     restore.begin     changelogs are about to be read
 *     restore.batch     one batch of a changelog is on disk
 *     restore.end       the stores are complete
 *     txn.begin         the first write of a transaction
 *     produce.sent      a produce request is handed to its socket
 *     produce.acked     everything that was produced is in the log (T4)
 *     offsets.before    the offsets are about to be sent
 *     offsets.sent      TxnOffsetCommit is handed to its socket (T5)
 *     endtxn.before     the offsets are in the transaction
 *     endtxn.sent       EndTxn is handed to its socket (T6)
 *     store.before      the transaction has committed, and no disk knows
 *     store.during      LevelDB is writing the batch (T7)
 *     store.after       the batch is on disk
 */
export const FAILPOINTS = [
  'group.join',
  'restore.begin',
  'restore.batch',
  'restore.end',
  'txn.begin',
  'produce.sent',
  'produce.acked',
  'offsets.before',
  'offsets.sent',
  'endtxn.before',
  'endtxn.sent',
  'store.before',
  'store.during',
  'store.after',
] as const;

export type Failpoint = (typeof FAILPOINTS)[number];

/** Told of each pass. Called at the edges of batches only, never for a record. */
export interface Failpoints {
  pass(point: Failpoint): void;
}

/** What production has: nothing happens anywhere. */
export const NO_FAILPOINTS: Failpoints = { pass: () => undefined };
