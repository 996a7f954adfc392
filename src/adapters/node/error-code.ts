/**
 * The `code` of an error of Node's or of a package's, such as `ENOENT`; empty if there is none. By shape, since an error
 * from another realm (a test runner's, a worker's) is no instance of this one's `Error`.
 */
export function errorCode(error: unknown): string {
  if (typeof error !== 'object' || error === null || !('code' in error)) return '';
  return typeof error.code === 'string' ? error.code : '';
}
