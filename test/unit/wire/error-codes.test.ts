import {
  KAFKA_ERRORS,
  describeErrorCode,
  isRetriableErrorCode,
} from '../../../src/wire/error-codes.ts';
import { goldenJson } from './golden.ts';

interface GoldenError {
  readonly code: number;
  readonly name: string;
  readonly retriable: boolean;
}

describe("Kafka's error codes", () => {
  test("are those of Kafka's own table, and retriable where its client retries", () => {
    const ours = Object.entries(KAFKA_ERRORS)
      .map(([name, code]) => ({ code, name, retriable: isRetriableErrorCode(code) }))
      .sort((a, b) => a.code - b.code);
    expect(ours).toEqual(goldenJson('errors') as GoldenError[]);
  });

  test('are printed with their name, and an unknown one with its number', () => {
    expect([16, 999].map(describeErrorCode)).toEqual(['NOT_COORDINATOR (16)', 'UNKNOWN (999)']);
  });
});
