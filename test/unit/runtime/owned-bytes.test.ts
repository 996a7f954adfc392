import fc from 'fast-check';
import { OwnedBytes } from '../../../src/runtime/owned-bytes.ts';

describe('owned bytes', () => {
  test('hold when the buffer they came from is written again', () => {
    const owned = new OwnedBytes();
    const source = Uint8Array.of(1, 2, 3, 4);
    const views = [owned.view(source, 0, 2), owned.view(source, 2, 4)];
    source.fill(0);
    expect(views.map((view) => [...view])).toEqual([
      [1, 2],
      [3, 4],
    ]);
  });

  test('are those of the range, and nobody else has them, whatever is asked for', () => {
    const range = fc.tuple(fc.nat(40_000), fc.nat(3000), fc.nat(1));
    fc.assert(
      fc.property(fc.array(range, { maxLength: 30 }), fc.boolean(), (ranges, ascending) => {
        const sources = [0, 1].map((which) =>
          Uint8Array.from({ length: 50_000 }, (_, n) => n + which),
        );
        if (ascending) ranges.sort(([a], [b]) => a - b);
        const owned = new OwnedBytes();
        const seen = ranges.map(([start, length, which]) => {
          const source = sources[which] ?? new Uint8Array(0);
          const end = Math.min(start + length, source.length);
          return { view: owned.view(source, start, end), is: source.slice(start, end) };
        });
        // Each is written over in its turn: that changes none of those behind it.
        for (const { view, is } of seen) {
          expect(Buffer.compare(view, is)).toBe(0);
          view.fill(255);
        }
      }),
      { numRuns: 50 },
    );
  });
});
