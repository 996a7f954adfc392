import path from 'node:path';

/** Where the shared case files are, if they are: beside the repository, unless told otherwise. */
export const CONFORMANCE =
  process.env['CONFORMANCE_DIR'] ?? path.join(__dirname, '../../../shared/conformance');
