import { describe, expect, it } from 'vitest';
import { measureBandEnergy } from '../../../src/measure/fidelity/band-energy.ts';
import { makePlane } from '../../kernels/plane-fixture.ts';

const SIZE = { width: 300, height: 200, bits: 8 };
const HALF = { width: 150, height: 100 };
const AMPLITUDE = 40;

/** A wave of `x` and `y` cycles a sample. */
function makeWave(x: number, y: number, bits = 8): Uint8Array | Uint16Array {
  const step = 2 ** (bits - 8);
  return makePlane({ ...SIZE, bits }, (u, v) =>
    Math.round(step * (128 + AMPLITUDE * Math.cos(2 * Math.PI * (x * u + y * v)))),
  );
}

/** Root mean square above the limit, and share of it, of one wave. */
function measure(x: number, y: number, bits = 8): { rms: number; share: number } {
  const { all, beyond, blocks } = measureBandEnergy(makeWave(x, y, bits), { ...SIZE, bits }, HALF);
  expect(blocks).toBe(2);
  return { rms: Math.sqrt(beyond / blocks), share: beyond / all };
}

describe('energy above the band limit', () => {
  it('is none for waves that the smaller picture can hold', () => {
    for (const [x, y] of [
      [0.05, 0],
      [0, 0.2],
      [0.2, 0.2],
    ] as const) {
      expect(measure(x, y).share).toBeLessThan(0.005);
    }
  });

  it('is all of a wave that is too fine across, down or both, at its effective value', () => {
    for (const [x, y] of [
      [0.35, 0],
      [0.1, 0.4],
      [0.3, 0.45],
    ] as const) {
      const { rms, share } = measure(x, y);
      expect(share).toBeGreaterThan(0.995);
      expect(Math.abs(rms / (AMPLITUDE / Math.SQRT2) - 1)).toBeLessThan(0.02);
    }
  });

  it('says the same at every depth', () => {
    expect(measure(0.35, 0.1, 10).rms).toBeCloseTo(measure(0.35, 0.1, 8).rms, 1);
    expect(measure(0.35, 0.1, 16).rms).toBeCloseTo(measure(0.35, 0.1, 8).rms, 1);
  });

  it('cannot be told of pictures that hold no block', () => {
    const size = { width: 127, height: 200, bits: 8 };
    expect(
      measureBandEnergy(
        makePlane(size, () => 9),
        size,
        HALF,
      ).blocks,
    ).toBe(0);
  });
});
