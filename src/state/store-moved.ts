import { StreamsError } from '../common/errors.ts';

/** What a query of a store meets whose task has closed it. */
export function storeMoved(store: string, taskId: string): StreamsError {
  return new StreamsError(
    'STREAMS_STORE_MIGRATED',
    'this store is closed, since its task moved or stopped: ask for the store again',
    { site: { store, taskId } },
  );
}
