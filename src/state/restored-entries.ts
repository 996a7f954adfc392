import type { KeyLayout } from './database-keys.ts';
import type { RestoredRecord } from './managed-store.ts';
import type { RowFormat } from './row.ts';
import type { StorageEntry } from './task-storage.ts';
import type { WindowRetention } from './window-retention.ts';

/**
 * What changelog records amount to in the storage: the last of a key wins, windows that have expired by then are left
 * out. The records may be reused once this returns.
 */
export function restoredEntries(
  records: Iterable<RestoredRecord>,
  keys: KeyLayout,
  format: RowFormat,
  retention: WindowRetention | null,
): StorageEntry[] {
  const entries = new Map<string, StorageEntry>();
  for (const { key, value, timestampMs } of records) {
    if (retention !== null && !retention.observe(keys.windowStartMs(key))) continue;
    const databaseKey = keys.databaseKey(key);
    const stored = value === null ? null : format.fromChangelog(value, timestampMs);
    entries.set(Buffer.from(databaseKey.buffer).toString('latin1'), [databaseKey, stored]);
  }
  retention?.commit();
  return [...entries.values(), ...(retention?.changes() ?? [])];
}
