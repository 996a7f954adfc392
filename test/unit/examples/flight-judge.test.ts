import { judge } from '../../../examples/flight-delays/judge.ts';

const day = (flights: number) => ({
  airport: 'ORD International',
  flights,
  meanDelay: 1 / 3,
  worstDelay: 15,
  lateShare: 0,
});
const EXPECTED = new Map([
  ['ORD 2001-01-01', day(1)],
  ['ORD 2001-01-02', day(2)],
]);

describe('the judge', () => {
  test('finds equal values equal, whatever the order of keys and fields', () => {
    const reversed = [...EXPECTED].reverse().map(([key, value]) => {
      const fields = Object.entries(value).reverse();
      return [key, Object.fromEntries(fields)] as const;
    });
    expect(judge(EXPECTED, new Map<string, object>(reversed))).toEqual({
      equal: 2,
      total: 2,
      differences: [],
    });
  });

  test.each([
    ['a missing day', (actual: Map<string, object>) => actual.delete('ORD 2001-01-02')],
    ['a day too many', (actual: Map<string, object>) => actual.set('ORD 2001-01-03', day(1))],
    [
      'a flight counted twice',
      (actual: Map<string, object>) => actual.set('ORD 2001-01-01', day(2)),
    ],
    [
      'a number that differs in its last digit',
      (actual: Map<string, object>) =>
        actual.set('ORD 2001-01-01', { ...day(1), meanDelay: 1 / 3 + Number.EPSILON / 4 }),
    ],
    [
      'a field that is missing',
      (actual: Map<string, object>) =>
        actual.set('ORD 2001-01-01', { ...day(1), lateShare: undefined }),
    ],
  ])('finds %s', (_, spoil) => {
    const actual = new Map<string, object>(EXPECTED);
    spoil(actual);
    const { equal, total, differences } = judge(EXPECTED, actual);
    expect(differences).toHaveLength(1);
    expect(total - equal).toBe(1);
  });
});
