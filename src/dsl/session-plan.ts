import type { SessionWindows } from '../common/session-windows.ts';
import { sessionAggregate, type Merger } from '../operators/session-aggregate.ts';
import type { Aggregator, Initializer } from '../operators/stream-aggregate.ts';
import type { EmitStrategy } from '../operators/window-close.ts';
import type { CreateInternalProcessor } from '../processor/internal-processor-context.ts';
import type { Serde } from '../serde/serde.ts';
import { SessionWindowedSerde } from '../serde/session-windowed-serde.ts';
import { eraseSerde } from '../topology/erase.ts';
import { buildSessionStore, retentionOf } from './materialized.ts';
import type { WindowStoreOptions } from './options.ts';
import type { AggregationSpec } from './stream-group.ts';
import { StoredTable, sessionStoreView } from './table-logic.ts';

/** How the sessions of one aggregation are kept: of streams and of cogroups alike. */
export interface SessionPlanOptions {
  readonly windows: SessionWindows;
  readonly emit: EmitStrategy;
  readonly store: string;
  readonly key: Serde<unknown> | null;
  readonly value: Serde<unknown> | null;
  readonly options: WindowStoreOptions;
}

export interface SessionFunctions<K, V, A> {
  readonly initializer: Initializer<A>;
  readonly aggregator: Aggregator<K, V, A>;
  readonly merger: Merger<K, A>;
  /** As in the operator's options. */
  readonly forwards?: boolean;
}

/** An aggregation but for its name and its functions. */
export interface SessionPlan extends Omit<AggregationSpec, 'name' | 'create'> {
  create<K, V, A>(functions: SessionFunctions<K, V, A>): CreateInternalProcessor;
}

/** Errors: `STREAMS_TOPOLOGY` for a retention that is too short. */
export function planSessions(plan: SessionPlanOptions): SessionPlan {
  const { windows, emit, store, key, value, options } = plan;
  const { gapMs, graceMs } = windows;
  const retentionMs = retentionOf(store, gapMs + graceMs, options);
  const logic = new StoredTable(sessionStoreView(store));
  const onClose = emit === 'onWindowClose';
  return {
    store,
    queryable: options.store !== undefined,
    buildStore: () =>
      buildSessionStore({
        name: store,
        key,
        value,
        // What is emitted once is not withheld, so Kafka Streams caches nothing then.
        options: onClose ? { ...options, caching: false } : options,
        retentionMs,
        timeIndex: onClose,
      }),
    key: key === null ? null : eraseSerde(new SessionWindowedSerde(key)),
    value,
    logic,
    windowGraceMs: gapMs + graceMs,
    create: (functions) => {
      const { sendsOldValues: sendOldValues } = logic;
      return sessionAggregate({ ...functions, store, windows, emit, sendOldValues });
    },
  };
}
