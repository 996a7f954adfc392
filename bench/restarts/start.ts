/** What all instances of one application share. */
export interface Names {
  readonly application: string;
  readonly input: string;
  readonly output: string;
  readonly sessionTimeoutMs: number;
  readonly transactionTimeoutMs: number;
}

/** How one instance is started: the argument of its process, as JSON. */
export interface Start {
  readonly names: Names;
  readonly brokers: readonly string[];
  readonly stateDir: string;
  /** Null: a dynamic member. */
  readonly instanceId: string | null;
}
