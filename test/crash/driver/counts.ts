/** What a run has done and found. */
export interface Counts {
  rounds: number;
  kills: number;
  /** By failpoint. */
  readonly killsAt: Record<string, number>;
  pauses: number;
  brokerRestarts: number;
  /** Transactions that Kafka forgot to end on a partition when its only node came back (docs/reliability.md). */
  hangingTransactions: number;
  /** Folders that were deleted on purpose, so that there is something to restore. */
  lostDisks: number;
  inputRecords: number;
  comparisons: number;
  findings: number;
}

export function noCounts(): Counts {
  return {
    rounds: 0,
    kills: 0,
    killsAt: {},
    pauses: 0,
    brokerRestarts: 0,
    hangingTransactions: 0,
    lostDisks: 0,
    inputRecords: 0,
    comparisons: 0,
    findings: 0,
  };
}

export function addCounts(to: Counts, from: Counts): void {
  to.rounds += from.rounds;
  to.kills += from.kills;
  for (const [point, kills] of Object.entries(from.killsAt)) {
    to.killsAt[point] = (to.killsAt[point] ?? 0) + kills;
  }
  to.pauses += from.pauses;
  to.brokerRestarts += from.brokerRestarts;
  to.hangingTransactions += from.hangingTransactions;
  to.lostDisks += from.lostDisks;
  to.inputRecords += from.inputRecords;
  to.comparisons += from.comparisons;
  to.findings += from.findings;
}
