import { toLatin1 } from '../common/latin1.ts';
import type { KeyLayout } from './database-keys.ts';
import type { RestoredRecord } from './managed-store.ts';
import type { RowFormat } from './row.ts';
import type { StorageEntry } from './task-storage.ts';
import type { WindowRetention } from './window-retention.ts';

/**
 * What changelog records amount to in the storage: the last of a key wins, windows that have expired by the end are
 * left out. The records may be reused once this returns.
 */
export function restoredEntries(
  records: Iterable<RestoredRecord>,
  keys: KeyLayout,
  format: RowFormat,
  retention: WindowRetention | null,
): StorageEntry[] {
  const entries = new Map<string, StorageEntry>();
  for (const { key, value, timestampMs } of records) {
    retention?.observe(keys.windowStartMs(key));
    const databaseKey = keys.databaseKey(key);
    const stored = value === null ? null : format.fromChangelog(value, timestampMs);
    entries.set(toLatin1(databaseKey), [databaseKey, stored]);
  }
  if (retention === null) return [...entries.values()];
  retention.commit();
  const alive = [...entries.values()].filter(
    ([key]) => keys.windowStartMs(keys.logKeyOf(key)) > retention.expiredUpToMs,
  );
  return [...alive, ...retention.changes()];
}
