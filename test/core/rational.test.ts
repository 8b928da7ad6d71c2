import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  add,
  compare,
  divide,
  multiply,
  parseRational,
  rational,
  rescale,
  subtract,
  ticksToSeconds,
  toNumber,
} from '../../src/core/rational.ts';

const part = fc.integer({ min: -100_000, max: 100_000 });
const positive = fc.integer({ min: 1, max: 100_000 });
const anyRational = fc.tuple(part, positive).map(([num, den]) => rational(num, den));

describe('rational', () => {
  it('is kept in lowest terms with a positive denominator', () => {
    expect(rational(60000, 2002)).toEqual({ num: 30000, den: 1001 });
    expect(rational(5, -10)).toEqual({ num: -1, den: 2 });
    expect(rational(0, 7)).toEqual({ num: 0, den: 1 });
  });

  it('obeys the laws of fractions', () => {
    fc.assert(
      fc.property(anyRational, anyRational, (a, b) => {
        expect(subtract(add(a, b), b)).toEqual(a);
        if (b.num !== 0) expect(divide(multiply(a, b), b)).toEqual(a);
        expect(Math.sign(compare(a, b))).toBe(Math.sign(toNumber(a) - toNumber(b)));
      }),
    );
  });

  it.each([
    ['30000/1001', { num: 30000, den: 1001 }],
    ['16:15', { num: 16, den: 15 }],
    ['25', { num: 25, den: 1 }],
  ])('reads %s', (text, value) => {
    expect(parseRational(text)).toEqual(value);
  });

  it.each(['0/0', '1/0', 'N/A', '', '25fps', '1.5'])('refuses %j', (text) => {
    expect(parseRational(text)).toBeNull();
  });
});

describe('rescale', () => {
  it('comes back to the same tick through a finer time base', () => {
    fc.assert(
      fc.property(fc.integer({ min: -1_000_000_000, max: 1_000_000_000 }), positive, (ticks, factor) => {
        const coarse = rational(1001, 30000);
        const fine = multiply(coarse, rational(1, factor));
        expect(rescale(rescale(ticks, coarse, fine), fine, coarse)).toBe(ticks);
      }),
    );
  });

  it('rounds halves away from zero, as ffmpeg does', () => {
    expect(rescale(1, rational(1, 2), rational(1))).toBe(1);
    expect(rescale(-1, rational(1, 2), rational(1))).toBe(-1);
    expect(rescale(1, rational(1, 3), rational(1))).toBe(0);
  });

  it('stays exact where doubles would not', () => {
    expect(rescale(9_007_199_254_740_991, rational(1, 90000), rational(1, 90000))).toBe(
      9_007_199_254_740_991,
    );
    expect(ticksToSeconds(107_892, rational(1001, 30000))).toEqual(rational(107_892 * 1001, 30000));
  });
});
