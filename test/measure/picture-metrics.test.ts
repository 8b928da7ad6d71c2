import { describe, expect, it } from 'vitest';
import {
  addShift,
  averageCells,
  computePsnr,
  fitLevels,
  NO_SHIFT_SUMS,
  solveShift,
  sumPlanes,
  sumSquaredDifferences,
  sumTurned,
} from '../../src/measure/picture-metrics.ts';

const WIDTH = 64;
const HEIGHT = 48;

/** Smooth hills, sampled `x` and `y` samples to the left and above. */
function paintHills(x: number, y: number): Uint8Array {
  return Uint8Array.from({ length: WIDTH * HEIGHT }, (_, i) => {
    const [u, v] = [(i % WIDTH) - x, Math.floor(i / WIDTH) - y];
    return Math.round(128 + 50 * Math.sin(u / 5) * Math.cos(v / 7) + 30 * Math.sin((u + 2 * v) / 11));
  });
}

describe('picture metrics', () => {
  const hills = paintHills(0, 0);

  it('give the PSNR that its definition gives', () => {
    const other = hills.map((value) => value + 2);
    const squares = sumSquaredDifferences(hills, other, 0, hills.length);
    expect(computePsnr(squares, hills.length)).toBeCloseTo(10 * Math.log10(255 ** 2 / 4), 9);
    expect(computePsnr(0, hills.length)).toBe(99);
  });

  it('find gain and difference of levels', () => {
    const stretched = hills.map((value) => Math.round((value - 128) * 0.86 + 130));
    const { gain, difference } = fitLevels(sumPlanes(hills, stretched));
    expect(gain).toBeCloseTo(0.86, 2);
    expect(difference).toBeGreaterThan(1.5);
  });

  it('find the gain of cells where the source alone has noise', () => {
    const wide = Uint8Array.from(
      { length: WIDTH * HEIGHT },
      (_, i) => 100 + (i % WIDTH < WIDTH / 2 ? 0 : 40) + Math.floor(i / WIDTH),
    );
    // A multiplicative hash is noise enough.
    const noisy = wide.map((value, i) => value + ((i * 2654435761) % 61) - 30);
    expect(fitLevels(sumPlanes(noisy, wide)).gain).toBeLessThan(0.8);
    const [was, is] = [noisy, wide].map((plane) => averageCells(plane, 0, WIDTH, HEIGHT));
    if (was === undefined || is === undefined) throw new Error('two planes');
    expect(fitLevels(sumPlanes(was, is)).gain).toBeCloseTo(1, 1);
  });

  it.each([
    [0, 0],
    [0.25, -0.5],
    [0.5, 0.125],
  ])('find a shift of %f, %f samples', (x, y) => {
    const shift = solveShift(addShift(NO_SHIFT_SUMS, hills, paintHills(x, y), WIDTH, HEIGHT));
    expect(shift?.x).toBeCloseTo(x, 1);
    expect(shift?.y).toBeCloseTo(y, 1);
  });

  it('claim no shift of a flat picture', () => {
    const flat = new Uint8Array(WIDTH * HEIGHT).fill(90);
    expect(solveShift(addShift(NO_SHIFT_SUMS, flat, flat, WIDTH, HEIGHT))).toBeNull();
  });

  it('lay a picture over itself in every orientation', () => {
    const mirrored = hills.map((_, i) => hills[i - (i % WIDTH) + WIDTH - 1 - (i % WIDTH)] ?? 0);
    expect(sumTurned(hills, mirrored, WIDTH, HEIGHT, 'mirrored')).toBe(0);
    expect(sumTurned(hills, hills.toReversed(), WIDTH, HEIGHT, 'turned by 180 degrees')).toBe(0);
    expect(sumTurned(hills, mirrored, WIDTH, HEIGHT, 'upside down')).toBeGreaterThan(0);
  });
});
