import type { TopicPartition } from '../../common/topic-partition.ts';
import type { Api, Complete } from '../../wire/api.ts';
import type { Outcome } from './transaction.ts';

/** Milliseconds, or until a promise settles: then a test decides when. */
export type Delay = number | Promise<void>;

/** What happens to one request on its way, or to its answer. Nothing, for what is left out. */
export interface Fault {
  /** Before the broker sees the request. Those behind it on the connection wait too. */
  readonly delayRequest?: Delay;
  /** `request`: the broker does not see it. `answer`: it is carried out, and nobody hears of it. */
  readonly lose?: 'request' | 'answer';
  /** What the client sees of a loss: the connection breaks (the default), or nothing until its own timeout. */
  readonly silently?: boolean;
  /** Before the answer leaves. */
  readonly delayAnswer?: Delay;
  /** The request arrives (again) after this, out of the order of its connection; its answer goes nowhere. */
  readonly repeatAfter?: Delay;
}

/** A request as the broker sees it arrive. */
export interface ObservedRequest<Req = unknown> {
  readonly api: string;
  readonly version: number;
  readonly node: number;
  readonly clientId: string;
  readonly request: Complete<Req>;
}

/** What happens to a request that passes; null: nothing. */
export type FaultRule<Req = unknown> = (request: ObservedRequest<Req>) => Fault | null;

/** One of the broker's connections, as the faults need it. */
export interface FaultyConnection {
  readonly clientId: string;
  end(reason: Error): void;
}

/**
 * What goes wrong between the clients and the broker, as a test says.
 *
 *     faults.once(endTxn, { lose: 'answer' });                    // an answer that never comes
 *     const late = faults.once(endTxn, { lose: 'request', repeatAfter: 5_000 });
 *     faults.on(fetch, ({ clientId }) => (clientId === 'b' ? { delayAnswer: 300 } : null));
 *     faults.crash('app-1');                                      // its connections break, and none is let in
 *
 * A client is meant by its client id or the beginning of it: our own transport adds the lane, `app-1-txn`.
 */
export class Faults {
  /** How long after EndTxn's answer a partition gets its marker; 0 is the next turn of the event loop. */
  markerDelay: (partition: TopicPartition, outcome: Outcome) => Delay = () => 0;
  readonly #rules = new Set<{ readonly key: number; readonly rule: FaultRule }>();
  readonly #crashed = new Set<string>();
  readonly #paused = new Map<string, { readonly over: Promise<void>; readonly end: () => void }>();
  readonly #connections: ReadonlySet<FaultyConnection>;

  constructor(connections: ReadonlySet<FaultyConnection>) {
    this.#connections = connections;
  }

  /** Asks the rule about every request of an API; the first rule that answers counts. The result removes it. */
  on<Req, Res>(api: Api<Req, Res>, rule: FaultRule<Req>): () => void {
    // A rule is asked about requests of its own API only.
    const entry = { key: api.key, rule: rule as FaultRule };
    this.#rules.add(entry);
    return () => this.#rules.delete(entry);
  }

  /** The next request of an API, of one client if given. Resolves when it has come. */
  once<Req, Res>(api: Api<Req, Res>, fault: Fault, client = ''): Promise<void> {
    return new Promise((resolve) => {
      const remove = this.on(api, ({ clientId }) => {
        if (!clientId.startsWith(client)) return null;
        remove();
        resolve();
        return fault;
      });
    });
  }

  /** As after kill -9: the connections of the client break; new ones are refused until `revive`. */
  crash(client: string): void {
    this.#crashed.add(client);
    for (const connection of [...this.#connections]) {
      if (connection.clientId.startsWith(client)) connection.end(new Error(`${client} crashed`));
    }
  }

  revive(client: string): void {
    this.#crashed.delete(client);
  }

  isCrashed(clientId: string): boolean {
    return [...this.#crashed].some((client) => clientId.startsWith(client));
  }

  /** As SIGSTOP: connections stay open, nothing of the client's arrives, and no answer reaches it, until `resume`. */
  pause(client: string): void {
    let end: () => void = () => undefined;
    const over = new Promise<void>((resolve) => {
      end = resolve;
    });
    if (!this.#paused.has(client)) this.#paused.set(client, { over, end });
  }

  resume(client: string): void {
    this.#paused.get(client)?.end();
    this.#paused.delete(client);
  }

  /** Resolves when the client is not paused. */
  async untilAwake(clientId: string): Promise<void> {
    for (;;) {
      const paused = [...this.#paused].find(([client]) => clientId.startsWith(client));
      if (paused === undefined) return;
      await paused[1].over;
    }
  }

  /** What happens to a request. */
  decide(key: number, request: ObservedRequest): Fault | null {
    for (const { key: ruled, rule } of [...this.#rules]) {
      const fault = ruled === key ? rule(request) : null;
      if (fault !== null) return fault;
    }
    return null;
  }
}
