import type { ProductionFailure } from '../client/produce-sender.ts';
import { NO_HEADERS } from '../common/record.ts';
import type { Counter } from '../observability/metrics.ts';
import { internalTopics } from '../topology/internal-topics.ts';
import { askHandler } from './ask-handler.ts';
import type { InstanceContext } from './instance-context.ts';

/**
 * What becomes of a batch that a broker refused for what its records are, when nobody knows any more which input they came
 * from: the production handler may drop the records. It is asked without the bytes and without a task.
 *
 * Records of internal topics are never dropped: a store would not be its changelog any more. A dead letter is not
 * possible here, so that answer, like `'retry'`, fails.
 */
export class RefusedOutputs {
  readonly #context: InstanceContext;
  readonly #internal: ReadonlySet<string>;
  readonly #dropped: Counter;

  constructor(context: InstanceContext) {
    const { plan, config, metrics, tags } = context;
    const { applicationId } = config;
    this.#context = context;
    this.#internal = new Set(internalTopics(plan, { applicationId }).map(({ name }) => name));
    this.#dropped = metrics.counter('dropped-records-total', { ...tags, reason: 'production' });
  }

  decide({ topic, partition, error, recordIndexes }: ProductionFailure): 'fail' | 'drop' {
    if (this.#internal.has(topic)) return 'fail';
    const { config } = this.#context;
    const handler = config.productionExceptionHandler;
    const response = askHandler(
      { option: 'productionExceptionHandler', handler },
      {
        taskId: '',
        node: '',
        topic,
        partition,
        offset: -1,
        timestampMs: -1,
        headers: NO_HEADERS,
        rawKey: null,
        rawValue: null,
      },
      error,
      config.logger,
    );
    if (response !== 'continue') return 'fail';
    this.#dropped.add(recordIndexes?.length ?? 1);
    config.logger.warn({ err: error, topic, partition, recordIndexes }, 'refused records dropped');
    return 'drop';
  }
}
