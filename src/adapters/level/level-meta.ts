import { readInt32, readInt64, writeInt32, writeInt64 } from '../../common/bytes.ts';
import { StreamsError, type ErrorSite } from '../../common/errors.ts';
import { metaKey } from '../../state/database-keys.ts';
import type { NumberedStore } from '../../state/store-numbers.ts';
import type { ChangelogPosition, StorageEntry, StoreLayout } from '../../state/task-storage.ts';

// What a database keeps about itself, drawn in docs/formats.md.

const FORMAT_VERSION = 1;

/** Whose state a database holds. */
export interface StateOwner {
  readonly clusterId: string;
  readonly applicationId: string;
}

const LAYOUTS: readonly StoreLayout[] = [
  'key-value',
  'timestamped-key-value',
  'window',
  'timestamped-window',
  'window-pages',
  'window-pages-by-time',
  'session-pages',
  'session-pages-by-time',
  'join-pages',
  'outer-join-pages',
  'change-buffer-pages',
  'record-buffer-pages',
  'versioned-pages',
  'subscription-pages',
];

export interface LevelMeta {
  readonly stores: ReadonlyMap<string, NumberedStore>;
  readonly positions: ReadonlyMap<string, ChangelogPosition>;
  readonly sourceIds: ReadonlyMap<string, string>;
  readonly topologyFingerprint: string;
}

/**
 * Reads the meta rows of a database that is not new, by name.
 *
 * Errors: `STREAMS_STATE_INCOMPATIBLE` for a newer format and for another owner, whose state is left as it is;
 * `STREAMS_STATE_CORRUPT` for what cannot be read.
 */
export function readMeta(
  rows: ReadonlyMap<string, Uint8Array>,
  owner: StateOwner,
  site: ErrorSite,
): LevelMeta {
  const format = rows.get('format');
  if (format?.length !== 4) throw corrupt('the format of the state is not readable', site);
  const version = readInt32(format, 0);
  if (version > FORMAT_VERSION) {
    throw new StreamsError(
      'STREAMS_STATE_INCOMPATIBLE',
      `this state was written by a newer release, in format ${version}, and this one reads ${FORMAT_VERSION}: ` +
        'run the newer release, or another stateDir to rebuild the state from its changelogs',
      { site },
    );
  }
  if (version < 1) throw corrupt(`there is no format ${version}`, site);
  checkOwner('cluster', text(rows.get('cluster')), owner.clusterId, site);
  checkOwner('application', text(rows.get('application')), owner.applicationId, site);

  const stores = new Map<string, NumberedStore>();
  const positions = new Map<string, ChangelogPosition>();
  const sourceIds = new Map<string, string>();
  for (const [name, value] of rows) {
    if (name.startsWith('store/')) stores.set(name.slice(6), readStore(value, site));
    if (name.startsWith('changelog/')) positions.set(name.slice(10), readPosition(value, site));
    if (name.startsWith('source/')) sourceIds.set(name.slice(7), text(value));
  }
  return { stores, positions, sourceIds, topologyFingerprint: text(rows.get('topology')) };
}

/** The rows that a new database begins with. */
export function ownerRows({ clusterId, applicationId }: StateOwner): StorageEntry[] {
  const format = new Uint8Array(4);
  writeInt32(format, 0, FORMAT_VERSION);
  return [
    [metaKey('format'), format],
    [metaKey('cluster'), Buffer.from(clusterId)],
    [metaKey('application'), Buffer.from(applicationId)],
  ];
}

export function topologyRow(fingerprint: string): StorageEntry {
  return [metaKey('topology'), Buffer.from(fingerprint)];
}

export function storeRow(name: string, { number, layout }: NumberedStore): StorageEntry {
  const value = Buffer.from(`..${layout}`, 'latin1');
  value.writeUInt16BE(number);
  return [metaKey(`store/${name}`), value];
}

export function sourceRow(topic: string, topicId: string): StorageEntry {
  return [metaKey(`source/${topic}`), Buffer.from(topicId, 'latin1')];
}

export function positionRow(
  topic: string,
  { topicId, offset, wallTimeMs }: ChangelogPosition,
): StorageEntry {
  const value = new Uint8Array(16 + topicId.length);
  writeInt64(value, 0, offset);
  writeInt64(value, 8, wallTimeMs);
  value.set(Buffer.from(topicId, 'latin1'), 16);
  return [metaKey(`changelog/${topic}`), value];
}

function readStore(value: Uint8Array, site: ErrorSite): NumberedStore {
  const name = text(value.subarray(2));
  const layout = LAYOUTS.find((known) => known === name);
  if (layout === undefined) throw corrupt('a store has a layout that is not known', site);
  return { number: ((value[0] ?? 0) << 8) | (value[1] ?? 0), layout };
}

function readPosition(value: Uint8Array, site: ErrorSite): ChangelogPosition {
  const offset = value.length < 16 ? -1 : readInt64(value, 0);
  const wallTimeMs = value.length < 16 ? -1 : readInt64(value, 8);
  if (offset < 0 || !Number.isSafeInteger(offset) || !Number.isSafeInteger(wallTimeMs)) {
    throw corrupt('the position of a changelog is not readable', site);
  }
  return { offset, wallTimeMs, topicId: text(value.subarray(16)) };
}

function checkOwner(what: string, found: string, expected: string, site: ErrorSite): void {
  if (found === expected) return;
  throw new StreamsError(
    'STREAMS_STATE_INCOMPATIBLE',
    `this is state of ${what} '${found}', not of '${expected}': give this instance a stateDir of its own, ` +
      'or delete the folder if nothing needs it',
    { site },
  );
}

function corrupt(message: string, site: ErrorSite): StreamsError {
  return new StreamsError('STREAMS_STATE_CORRUPT', message, { site });
}

function text(bytes: Uint8Array | undefined): string {
  return Buffer.from(bytes ?? []).toString('utf8');
}
