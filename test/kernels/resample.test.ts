/* eslint-disable @typescript-eslint/no-non-null-assertion -- every index is in range by construction */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { AxisMapping, ResampleFilterName } from '../../src/kernels/filter-taps.ts';
import { Resampler, resamplerBytes, type ResamplerOptions } from '../../src/kernels/resample.ts';
import { arena, findWorst, kernels, makeNoise, makePlane, resample } from './plane-fixture.ts';
import { changeDepth, resampleExactly, resampleReference } from './resample-reference.ts';

const FILTERS: ResampleFilterName[] = ['nearest', 'bilinear', 'bicubic', 'lanczos'];
const DEPTHS = [8, 10, 12, 16];

const length = fc.oneof(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 90 }));
const size = fc.record({ width: length, height: length, bits: fc.constantFrom(...DEPTHS) });
const axis: fc.Arbitrary<AxisMapping> = fc.record({
  scale: fc.double({ min: 0.1, max: 8, noNaN: true }),
  offset: fc.double({ min: -40, max: 40, noNaN: true }),
});
const options: fc.Arbitrary<ResamplerOptions> = fc.record(
  {
    from: size,
    to: size,
    filter: fc.constantFrom(...FILTERS),
    mapping: fc.record({ x: axis, y: axis }),
    fullRangeDepthChange: fc.boolean(),
    isChroma: fc.boolean(),
  },
  { requiredKeys: ['from', 'to', 'filter'] },
);

describe('Resampler', () => {
  it('gives the bits of the plain reference, at any size, depth, filter and mapping', () => {
    fc.assert(
      fc.property(options, fc.integer(), (o, seed) => {
        const source = makeNoise(o.from, seed);
        expect(resample(source, o)).toEqual(resampleReference(source, o));
      }),
      { numRuns: 400 },
    );
  });

  it('gives the bits of the reference in the 8-bit path', () => {
    fc.assert(
      fc.property(options, fc.integer(), (any, seed) => {
        const o = { ...any, from: { ...any.from, bits: 8 }, to: { ...any.to, bits: 8 } };
        const source = makeNoise(o.from, seed);
        expect(resample(source, o)).toEqual(resampleReference(source, o));
      }),
      { numRuns: 400 },
    );
  });

  it('stays within 0.55 code values of exact arithmetic when it grows, on the worst of noise', () => {
    for (const filter of FILTERS) {
      for (const fromBits of DEPTHS) {
        for (const toBits of DEPTHS) {
          const o: ResamplerOptions = {
            from: { width: 37, height: 29, bits: fromBits },
            to: { width: 101, height: 58, bits: toBits },
            filter,
          };
          const source = makeNoise(o.from, 7);
          const exact = resampleExactly(source, o);
          expect(findWorst(resample(source, o), exact), `${filter} ${fromBits} -> ${toBits}`).toBeLessThan(
            0.55,
          );
        }
      }
    }
  });

  it('keeps flat ground flat at every level, depth and ratio', () => {
    for (const filter of FILTERS) {
      for (const [width, height] of [
        [5, 3],
        [11, 7],
        [24, 31],
        [53, 40],
      ] as const) {
        for (let level = 0; level < 256; level++) {
          const o: ResamplerOptions = {
            from: { width: 11, height: 9, bits: 8 },
            to: { width, height, bits: 8 },
            filter,
          };
          const result = resample(
            makePlane(o.from, () => level),
            o,
          );
          expect(result.every((value) => value === level)).toBe(true);
        }
      }
    }
  });

  it('maps every level of flat ground to the right one of another depth, limited and full range', () => {
    fc.assert(
      fc.property(options, fc.double({ min: 0, max: 1, noNaN: true }), (o, part) => {
        const otherWhite = 2 ** o.to.bits - 1;
        const level = Math.round(part * (2 ** o.from.bits - 1));
        const result = resample(
          makePlane(o.from, () => level),
          o,
        );
        const { gain, bias } = changeDepth(o);
        const exact = Math.min(Math.max(level * gain + bias, 0), otherWhite);
        // Half a step, and what single precision leaves open where a level falls between two.
        const tolerance = 0.5 + 2 ** (o.to.bits - 22);
        expect(result.every((value) => Math.abs(value - exact) <= tolerance)).toBe(true);
      }),
      { numRuns: 400 },
    );
  });

  it('keeps white white and the middle of chroma the middle when full range changes its depth', () => {
    for (const bits of [10, 12, 16]) {
      const [from, to] = [
        { width: 4, height: 4, bits: 8 },
        { width: 9, height: 8, bits },
      ];
      const read = (level: number, isChroma: boolean): number | undefined => {
        const o: ResamplerOptions = { from, to, filter: 'lanczos', fullRangeDepthChange: true, isChroma };
        return resample(
          makePlane(from, () => level),
          o,
        )[40];
      };
      expect(read(255, false)).toBe(2 ** bits - 1);
      expect(read(0, false)).toBe(0);
      expect(read(128, true)).toBe(2 ** (bits - 1));
    }
  });

  it('keeps a ramp a ramp, in its place', () => {
    for (const filter of ['bilinear', 'bicubic', 'lanczos'] as const) {
      for (const to of [
        { width: 512, height: 10 },
        { width: 384, height: 5 },
        { width: 777, height: 3 },
        { width: 128, height: 2 },
      ]) {
        const o: ResamplerOptions = {
          from: { width: 256, height: 5, bits: 8 },
          to: { ...to, bits: 8 },
          filter,
        };
        const result = resample(
          makePlane(o.from, (x) => x),
          o,
        );
        const step = 256 / to.width;
        const margin = Math.ceil(8 / step);
        for (let j = margin; j < to.width - margin; j++) {
          expect(Math.abs(result[to.width + j]! - ((j + 0.5) * step - 0.5))).toBeLessThanOrEqual(1);
        }
      }
    }
  });

  it('treats left and right, top and bottom alike', () => {
    const smooth = fc.constantFrom('bilinear', 'bicubic', 'lanczos');
    fc.assert(
      fc.property(length, length, length, length, smooth, fc.integer(), (a, b, c, d, filter, seed) => {
        const o = {
          from: { width: a, height: b, bits: 8 },
          to: { width: c, height: d, bits: 8 },
          filter,
        } as const;
        const source = makeNoise(o.from, seed);
        const turned = resample(source.slice().reverse(), o).slice().reverse();
        expect(findWorst(resample(source, o), turned)).toBeLessThanOrEqual(1);
      }),
    );
  });

  it('copies a plane that keeps its size and depth', () => {
    for (const filter of FILTERS) {
      const o: ResamplerOptions = {
        from: { width: 19, height: 7, bits: 10 },
        to: { width: 19, height: 7, bits: 10 },
        filter,
      };
      const source = makeNoise(o.from, 3);
      expect(resample(source, o)).toEqual(source);
    }
  });

  it('averages away what it cannot hold when it shrinks', () => {
    const o: ResamplerOptions = {
      from: { width: 256, height: 64, bits: 8 },
      to: { width: 37, height: 9, bits: 8 },
      filter: 'bicubic',
    };
    const checker = resample(
      makePlane(o.from, (x, y) => ((x + y) % 2) * 200),
      o,
    );
    for (const value of checker) expect(Math.abs(value - 100)).toBeLessThanOrEqual(2);
  });

  it('says how much memory it takes, gives it back, and refuses what makes no sense', () => {
    const o: ResamplerOptions = {
      from: { width: 360, height: 288, bits: 8 },
      to: { width: 720, height: 576, bits: 8 },
      filter: 'lanczos',
    };
    const before = arena.usedBytes;
    const resampler = new Resampler({ kernels, arena, ...o });
    expect(arena.usedBytes - before).toBe(resamplerBytes(o));
    resampler.dispose();
    expect(arena.usedBytes).toBe(before);
    expect(() => resampler.run(65536, 65536)).toThrow(/disposed/);
    expect(() => resamplerBytes({ ...o, to: { width: 0, height: 1, bits: 8 } })).toThrow(/0x1/);
    expect(() =>
      resamplerBytes({
        ...o,
        from: { width: 1, height: 90_000, bits: 8 },
        to: { width: 1, height: 2, bits: 8 },
      }),
    ).toThrow(/too large/);
  });
});
