import { SlidingWindows } from '../common/sliding-windows.ts';
import type { TimeWindows } from '../common/time-windows.ts';
import { UnlimitedWindows } from '../common/unlimited-windows.ts';
import { slidingAggregate } from '../operators/sliding-aggregate.ts';
import type { Aggregator, Initializer } from '../operators/stream-aggregate.ts';
import type { EmitStrategy } from '../operators/window-close.ts';
import { windowedAggregate } from '../operators/windowed-aggregate.ts';
import type { CreateInternalProcessor } from '../processor/internal-processor-context.ts';
import type { Serde } from '../serde/serde.ts';
import { TimeWindowedSerde } from '../serde/time-windowed-serde.ts';
import type { StoreBuilder } from '../state/store-builder.ts';
import { eraseSerde } from '../topology/erase.ts';
import { topologyError } from '../topology/topology-error.ts';
import { buildWindowStore, retentionOf } from './materialized.ts';
import type { WindowStoreOptions } from './options.ts';
import type { AggregationSpec } from './stream-group.ts';
import { StoredTable, windowStoreView } from './table-logic.ts';

/** Windows whose bounds the clock or the record gives, not the gaps between records. */
export type AnyTimeWindows = TimeWindows | UnlimitedWindows | SlidingWindows;

/** How the windows of one aggregation are kept: of streams and of cogroups alike. */
export interface WindowPlanOptions {
  readonly windows: AnyTimeWindows;
  readonly emit: EmitStrategy;
  readonly store: string;
  readonly key: Serde<unknown> | null;
  readonly value: Serde<unknown> | null;
  readonly options: WindowStoreOptions;
}

export interface WindowFunctions<K, V, A> {
  readonly initializer: Initializer<A>;
  readonly aggregator: Aggregator<K, V, A>;
  /** As in the operator's options. */
  readonly forwards?: boolean;
}

/** An aggregation but for its name and its functions. */
export interface WindowPlan extends Omit<AggregationSpec, 'name' | 'create'> {
  create<K, V, A>(functions: WindowFunctions<K, V, A>): CreateInternalProcessor;
}

/** Errors: `STREAMS_TOPOLOGY` for a retention that is too short, and for emission on close of windows that never do. */
export function planWindows(plan: WindowPlanOptions): WindowPlan {
  const { windows, emit, store, key, value, options } = plan;
  const isSliding = windows instanceof SlidingWindows;
  const sizeMs = isSliding ? windows.differenceMs : windows.sizeMs;
  const leastRetentionMs = (isSliding ? 2 * sizeMs : sizeMs) + windows.graceMs;
  const retentionMs = retentionOf(store, leastRetentionMs, options);
  const logic = new StoredTable(windowStoreView(store));
  const onClose = emit === 'onWindowClose';
  return {
    store,
    queryable: options.store !== undefined,
    buildStore: (): StoreBuilder =>
      buildWindowStore({
        name: store,
        key,
        value,
        // What is emitted once is not withheld, so Kafka Streams caches nothing then.
        options: onClose ? { ...options, caching: false } : options,
        sizeMs,
        retentionMs,
        ranges: isSliding,
        timeIndex: onClose,
      }),
    key: key === null ? null : eraseSerde(new TimeWindowedSerde(key, { size: sizeMs })),
    value,
    logic,
    windowGraceMs: windows.graceMs,
    create(functions) {
      const { sendsOldValues: sendOldValues } = logic;
      const common = { ...functions, store, emit, sendOldValues };
      return isSliding
        ? slidingAggregate({ ...common, windows })
        : windowedAggregate({ ...common, windows });
    },
  };
}

/** Errors: `STREAMS_TOPOLOGY`. */
export function checkEmit(windows: AnyTimeWindows, emit: EmitStrategy): void {
  if (emit === 'onWindowUpdate' || !(windows instanceof UnlimitedWindows)) return;
  throw topologyError(
    "unlimited windows never close, so nothing would come out: use 'onWindowUpdate', or other windows",
  );
}
