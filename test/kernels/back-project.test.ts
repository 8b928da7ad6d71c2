import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { kernels, makeNoise, placeSamples } from './plane-fixture.ts';
import { addErrorsPlainly, subtractPlainly } from './back-project-reference.ts';

const count = fc.integer({ min: 1, max: 70 });
const seed = fc.integer();

describe('subtractWords', () => {
  it('gives the bits of the plain reference, also into one of its operands', () => {
    fc.assert(
      fc.property(count, seed, seed, fc.boolean(), (width, first, second, isInPlace) => {
        const size = { width, height: 1, bits: 16 };
        const [a, b] = [makeNoise(size, first), makeNoise(size, second)] as [Uint16Array, Uint16Array];
        const [left, right] = [placeSamples(a), placeSamples(b)];
        const target = isInPlace ? right : placeSamples(new Uint16Array(width));
        kernels.subtractWords(left.at, right.at, target.at, width);
        expect(target.take()).toEqual(subtractPlainly(a, b));
        left.take();
        if (!isInPlace) right.take();
      }),
      { numRuns: 300 },
    );
  });
});

describe('addErrorWords', () => {
  it('gives the bits of the plain reference at every depth', () => {
    const weight = fc.double({ min: 1 / 300, max: 2, noNaN: true });
    fc.assert(
      fc.property(
        count,
        seed,
        seed,
        fc.constantFrom(8, 10, 12, 16),
        weight,
        (width, first, second, bits, k) => {
          const samples = makeNoise({ width, height: 1, bits }, first);
          const errors = makeNoise({ width, height: 1, bits: 16 }, second) as Uint16Array;
          const [target, source] = [placeSamples(samples), placeSamples(errors)];
          const limit = 2 ** bits - 1;
          kernels.addErrorWords(bits > 8, target.at, source.at, width, k, limit);
          expect(target.take()).toEqual(addErrorsPlainly(samples, errors, k, limit));
          source.take();
        },
      ),
      { numRuns: 300 },
    );
  });

  it('changes nothing where there is no error', () => {
    for (const bits of [8, 10, 16]) {
      const samples = makeNoise({ width: 61, height: 1, bits }, 5);
      const [target, errors] = [placeSamples(samples), placeSamples(new Uint16Array(61).fill(32768))];
      kernels.addErrorWords(bits > 8, target.at, errors.at, 61, 1.7, 2 ** bits - 1);
      expect(target.take()).toEqual(samples);
      errors.take();
    }
  });
});
