import { StreamsError } from '../common/errors.ts';
import { initProducerId } from '../wire/messages/init-producer-id.ts';
import { offsetFetch } from '../wire/messages/offset-fetch.ts';
import { txnOffsetCommit } from '../wire/messages/txn-offset-commit.ts';
import type { KafkaClient } from './kafka-client.ts';

/** What exactly once rests on, and since when a broker has it (KIP-447; KIP-360). */
const EXACTLY_ONCE = [
  { api: offsetFetch, version: 7 }, // stable offsets
  { api: txnOffsetCommit, version: 3 }, // the generation as a fence
  { api: initProducerId, version: 3 },
] as const;

/** Errors: `STREAMS_BROKER_UNSUPPORTED` where the cluster cannot do exactly once and is asked to. */
export function checkCluster(
  client: Pick<KafkaClient, 'supports'>,
  { exactlyOnce }: { readonly exactlyOnce: boolean },
): void {
  if (!exactlyOnce) return;
  for (const { api, version } of EXACTLY_ONCE) {
    if (client.supports(api, version)) continue;
    throw new StreamsError(
      'STREAMS_BROKER_UNSUPPORTED',
      `exactly_once_v2 needs ${api.name} in version ${version}, which a broker of this cluster does not speak: upgrade it to Kafka 2.5 or newer, or use processingGuarantee: 'at_least_once'`,
      { site: { api: api.name, option: 'processingGuarantee' } },
    );
  }
}
