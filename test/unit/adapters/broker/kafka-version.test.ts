import { CURRENT_VERSION, resolveVersion } from '../../../../src/adapters/broker/kafka-version.ts';

describe('the version of a broker', () => {
  test.each([
    [undefined, CURRENT_VERSION],
    ['', CURRENT_VERSION],
    ['4', CURRENT_VERSION],
    ['3.9', '3.9.1'],
    ['3.9.0', '3.9.0'],
    ['4.1.0', '4.1.0'],
  ])('%p means %p', (requested, version) => {
    expect(resolveVersion(requested ?? '')).toBe(version);
  });

  test.each(['3.8.0', '2.8.1', '4.2', 'latest', '4.3.1; rm -rf /'])(
    '%p is refused with the ones there are',
    (requested) => {
      expect(() => resolveVersion(requested)).toThrow(
        expect.objectContaining({
          code: 'STREAMS_CONFIG',
          message: expect.stringMatching(/3\.9.*option version/) as string,
        }) as Error,
      );
    },
  );
});
