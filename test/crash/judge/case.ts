/** A run of the crash test, as its driver leaves it for the judge. */
export interface Case {
  readonly applicationId: string;
  readonly topics: {
    readonly entries: string;
    readonly priced: string;
    readonly totals: string;
    readonly windows: string;
    readonly ticks: string;
    readonly dead: string;
  };
  /** Of `Dump.java`. */
  readonly dumpFile: string;
  /** Ids that the broker has acknowledged to the generator, a line each. */
  readonly ackedFile: string;
  /** State folders of the instances that were killed and paused, of this application. */
  readonly folders: readonly string[];
  /** Of an instance that started from nothing when all was done. */
  readonly freshFolder: string;
}
