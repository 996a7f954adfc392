import {
  findCoordinator,
  type FindCoordinatorRequest,
  type FindCoordinatorResponse,
} from '../wire/messages/find-coordinator.ts';
import type { Answer } from './broker-connection.ts';
import { brokerError } from './broker-errors.ts';
import { KAFKA_ERRORS as ERROR } from '../wire/error-codes.ts';
import type { BrokerAddress } from './transport.ts';

export type CoordinatorType = 'group' | 'transaction';

export interface CoordinatorsOptions {
  /** Sends to any broker. */
  readonly request: (
    request: (version: number) => FindCoordinatorRequest,
  ) => Promise<Answer<FindCoordinatorResponse>>;
  readonly onBroker: (nodeId: number, address: BrokerAddress) => void;
}

const FIRST_WITH_LIST = 4;
const KEY_TYPES: Readonly<Record<CoordinatorType, number>> = { group: 0, transaction: 1 };

/** Which node coordinates a group or a transactional id, until somebody finds that it does not any more. */
export class Coordinators {
  readonly #options: CoordinatorsOptions;
  readonly #nodes = new Map<string, Promise<number>>();

  constructor(options: CoordinatorsOptions) {
    this.#options = options;
  }

  /** Errors: `STREAMS_CLIENT` while there is none, `STREAMS_AUTHORIZATION`. */
  find(type: CoordinatorType, key: string): Promise<number> {
    const name = `${type} ${key}`;
    let found = this.#nodes.get(name);
    if (found === undefined) {
      found = this.#find(type, key);
      this.#nodes.set(name, found);
      found.catch(() => {
        if (this.#nodes.get(name) === found) this.#nodes.delete(name);
      });
    }
    return found;
  }

  forget(type: CoordinatorType, key: string): void {
    this.#nodes.delete(`${type} ${key}`);
  }

  async #find(type: CoordinatorType, key: string): Promise<number> {
    const keyType = KEY_TYPES[type];
    const { response, version } = await this.#options.request((v) =>
      v >= FIRST_WITH_LIST ? { keyType, coordinatorKeys: [key] } : { keyType, key },
    );
    const found = version >= FIRST_WITH_LIST ? response.coordinators[0] : response;
    const errorCode = found?.errorCode ?? ERROR.COORDINATOR_NOT_AVAILABLE;
    if (found === undefined || errorCode !== ERROR.NONE) {
      throw brokerError(errorCode, {
        api: findCoordinator.name,
        detail: `${type} ${key}${found?.errorMessage == null ? '' : `: ${found.errorMessage}`}`,
      });
    }
    this.#options.onBroker(found.nodeId, { host: found.host, port: found.port });
    return found.nodeId;
  }
}
