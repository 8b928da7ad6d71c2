import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { buildFilterTaps, quantiseTaps, type ResampleFilterName } from '../../src/kernels/filter-taps.ts';

const filter = fc.constantFrom<ResampleFilterName>('nearest', 'bilinear', 'bicubic', 'lanczos');
const length = fc.integer({ min: 1, max: 300 });

describe('buildFilterTaps', () => {
  it('weighs to 1, and to exactly 2^14 in integers', () => {
    fc.assert(
      fc.property(filter, length, length, (name, from, to) => {
        const axis = buildFilterTaps(name, from, to);
        const integers = quantiseTaps(axis);
        for (let j = 0; j < to; j++) {
          const [at, end] = [j * axis.taps, (j + 1) * axis.taps];
          const weights = axis.coefficients.subarray(at, end);
          expect(weights.reduce((a, b) => a + b)).toBeCloseTo(1, 12);
          expect(integers.subarray(at, end).reduce((a, b) => a + b)).toBe(1 << 14);
          weights.forEach((weight, k) =>
            expect(Math.abs(weight * 2 ** 14 - (integers[at + k] ?? 0))).toBeLessThan(1 + axis.taps / 2),
          );
        }
      }),
    );
  });

  it('uses as many taps as the filter has, widened when it shrinks', () => {
    expect(buildFilterTaps('nearest', 10, 20).taps).toBe(1);
    expect(buildFilterTaps('bilinear', 10, 20).taps).toBe(2);
    expect(buildFilterTaps('bicubic', 10, 20).taps).toBe(4);
    expect(buildFilterTaps('lanczos', 10, 20).taps).toBe(6);
    expect(buildFilterTaps('bicubic', 20, 10).taps).toBe(8);
    expect(buildFilterTaps('lanczos', 90, 30).taps).toBeLessThanOrEqual(18);
  });

  it('copies where the grids agree', () => {
    for (const name of ['nearest', 'bilinear', 'bicubic', 'lanczos'] as const) {
      const { taps, starts, coefficients } = buildFilterTaps(name, 7, 7);
      expect(taps).toBe(1);
      expect([...starts]).toEqual([0, 1, 2, 3, 4, 5, 6]);
      expect(coefficients.every((weight) => weight === 1)).toBe(true);
    }
  });

  it('takes the nearest sample, the left one of two', () => {
    expect([...buildFilterTaps('nearest', 3, 9).starts]).toEqual([0, 0, 0, 1, 1, 1, 2, 2, 2]);
    expect([...buildFilterTaps('nearest', 8, 4).starts]).toEqual([0, 2, 4, 6]);
    expect([...buildFilterTaps('nearest', 9, 3).starts]).toEqual([1, 4, 7]);
  });

  it('has the weights of the literature for twice the size', () => {
    const { coefficients } = buildFilterTaps('bicubic', 8, 16);
    // Keys with a = -0.5 at a quarter of a sample.
    const [a = 0, b = 0, c = 0, d = 0] = coefficients.subarray(4, 8);
    expect([a, b, c, d].map((weight) => weight * 128)).toEqual([-9, 111, 29, -3]);
  });
});
