import type { StoreBuilder } from './store-builder.ts';

/**
 * The same store with a source topic as its changelog: what is written to it is in that topic already, so nothing is
 * logged, and a restore reads the topic up to the committed offset.
 *
 * A restore takes the records as they lie there, with their own timestamps: what a timestamp extractor made of those, and
 * records that a handler has skipped, come back as they were, as in Kafka Streams.
 */
export function backedByTopic(store: StoreBuilder, topic: string): StoreBuilder {
  const { name, kind, persistent, cachingEnabled, retentionMs } = store;
  return {
    name,
    kind,
    persistent,
    cachingEnabled,
    changelog: { config: {}, sourceTopic: topic },
    ...(retentionMs === undefined ? {} : { retentionMs }),
    open: (context) => store.open(context),
  };
}
