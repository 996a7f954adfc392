import type { Fetcher } from '../../src/client/fetcher.ts';
import { until, type WaitOptions } from './wait.ts';

/** Waits for committed output beyond the place where the topic ended when the watch began. */
export class OutputWatch implements AsyncDisposable {
  readonly #fetcher: Fetcher;

  /** `fetcher` reads committed records from there. */
  constructor(fetcher: Fetcher) {
    this.#fetcher = fetcher;
  }

  /** Resolves when the first record is there; `check` is asked meanwhile and may throw. */
  async first(check: () => void, options: WaitOptions): Promise<void> {
    await until(
      'the first output after a restart',
      async () => {
        check();
        const fetched = await this.#fetcher.poll(100, options.signal);
        return fetched.some(({ batches }) => batches.length > 0) || undefined;
      },
      { ...options, everyMs: 0 },
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#fetcher.close();
  }
}
