import { createHash } from 'node:crypto';

const MOST_CHARACTERS = 120;

/**
 * A name as one folder: bytes outside `A-Z a-z 0-9 . _ -` as `%XX`, a leading dot too, so no name leaves its parent or
 * hides. A longer one is cut and ends in its SHA-256, so two names never share a folder.
 */
export function folderName(name: string): string {
  const bytes = Buffer.from(name, 'utf8').toString('latin1');
  const safe = bytes.replace(/^\.|[^A-Za-z0-9._-]/g, (character) => {
    const code = character.charCodeAt(0).toString(16).toUpperCase();
    return `%${code.padStart(2, '0')}`;
  });
  if (safe.length <= MOST_CHARACTERS) return safe;
  return `${safe.slice(0, MOST_CHARACTERS)}-${createHash('sha256').update(name).digest('hex')}`;
}
