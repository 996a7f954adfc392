import type { StoreBuilder } from '../state/store-builder.ts';
import type { FixedKeyRecord } from './fixed-key-record.ts';
import type { FixedKeyProcessorContext } from './processor-context.ts';

/** As `Processor`, for records whose key it cannot change: what follows need not be repartitioned. */
export interface FixedKeyProcessor<K = unknown, VIn = unknown> {
  process(record: FixedKeyRecord<K, VIn>): void | Promise<void>;
  /** Called once when the task closes, however it closes. */
  close?(): void | Promise<void>;
}

/** As `CreateProcessor`. */
export type CreateFixedKeyProcessor<K, VIn, VOut> = (
  context: FixedKeyProcessorContext<K, VOut>,
) => FixedKeyProcessor<K, VIn>;

/** As `ProcessorSupplier`. Source: KIP-820. */
export interface FixedKeyProcessorSupplier<K, VIn, VOut = unknown> {
  /** Name of the node; generated if left out. */
  readonly name?: string;
  /** Names of stores that were added to the builder, or builders of stores that come with the processor. */
  readonly stores?: readonly (string | StoreBuilder)[];
  readonly create: CreateFixedKeyProcessor<K, VIn, VOut>;
}
