/** Time comes in through this port; `adapters/node` reads the machine's clocks, tests pass a virtual one. */
export interface Clock {
  /** Wall clock, milliseconds since the epoch. May jump. */
  nowMs(): number;
  /** Never goes back; only differences mean anything. Milliseconds, with fractions. */
  monotonicMs(): number;
}

export interface Timer {
  cancel(): void;
}

export interface Timers {
  /** Calls once, not before `delayMs` from now. */
  schedule(delayMs: number, callback: () => void): Timer;
  /** Resolves after `delayMs`; rejects with the signal's reason when that aborts first. */
  sleep(delayMs: number, signal?: AbortSignal): Promise<void>;
  /** Lets I/O, timers and other work of the process run, then resolves. */
  yieldToEventLoop(): Promise<void>;
}

export interface Random {
  /** In [0, 1). */
  next(): number;
  uuid(): string;
}
