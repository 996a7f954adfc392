import type { StreamRecord } from '../common/record.ts';
import type { StoreBuilder } from '../state/store-builder.ts';
import type { ProcessorContext } from './processor-context.ts';

/**
 * One step of a topology. A promise from `process` makes it an async processor: records reach it one at a time, in
 * order; the task takes no next record and does not commit until it has settled; `forward` and store writes are legal
 * until then.
 */
export interface Processor<KIn = unknown, VIn = unknown> {
  process(record: StreamRecord<KIn, VIn>): void | Promise<void>;
  /** Called once when the task closes, however it closes. */
  close?(): void | Promise<void>;
}

/** Makes one processor a task, when the task's stores are open; so each field is set once, in the constructor. */
export type CreateProcessor<KIn, VIn, KOut, VOut> = (
  context: ProcessorContext<KOut, VOut>,
) => Processor<KIn, VIn>;

/** Makes the processor of each task, and says which stores it uses. */
export interface ProcessorSupplier<KIn, VIn, KOut = unknown, VOut = unknown> {
  /** Name of the node; generated if left out. */
  readonly name?: string;
  /** Names of stores that were added to the builder, or builders of stores that come with the processor. */
  readonly stores?: readonly (string | StoreBuilder)[];
  readonly create: CreateProcessor<KIn, VIn, KOut, VOut>;
}
