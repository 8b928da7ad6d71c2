import { describe, expect, it } from 'vitest';
import { pixelFormat } from '../../src/core/pixel-format.ts';
import { comparisonShift, estimateNoise, noiseBytes } from '../../src/temporal/noise-estimate.ts';
import {
  arena,
  drawPhoto,
  drawPicture,
  kernels,
  makeGaussian,
  type ClipShape,
  type Picture,
} from './clip-fixture.ts';

const SHAPE: ClipShape = { format: 'gray', width: 320, height: 240 };

/** Noise of the middle one of three pictures, in code values of 8 bit. */
function estimate(pictures: readonly (Picture | null)[], shape = SHAPE): number {
  const { width, height } = shape;
  const format = pixelFormat(shape.format);
  const frames = pictures.map((picture) => {
    const samples = picture?.[0];
    if (samples === undefined) return null;
    const frame = arena.allocateFrame(format, width, height, 0);
    arena.bytes(frame.offset, frame.byteLength).set(new Uint8Array(samples.buffer));
    return frame;
  });
  const scratch = arena.allocate(noiseBytes(width, height));
  const [previous, current, next] = frames.map((frame) => frame?.planes[0] ?? null);
  if (current == null) throw new Error('no picture');
  const traits = { bits: format.bits, role: 'Y' } as const;
  const sigma = estimateNoise(arena, kernels, current, previous ?? null, next ?? null, traits, scratch);
  arena.release(scratch);
  for (const frame of frames) frame?.dispose();
  return sigma / 2 ** (format.bits - comparisonShift(format.bits) - 8);
}

function draw(seed: number, sigma: number, value = drawPhoto, shape = SHAPE): Picture {
  const noise = makeGaussian(seed);
  return drawPicture(shape, (x, y) => value(x, y) + sigma * noise());
}

describe('estimateNoise', () => {
  it.each([1, 2, 5, 10])('finds noise of %d code values to within 15 %%', (sigma) => {
    for (const format of ['gray', 'gray10le', 'gray12le', 'gray16le']) {
      const shape = { ...SHAPE, format };
      const found = estimate(
        [1, 2, 3].map((seed) => draw(seed, sigma, drawPhoto, shape)),
        shape,
      );
      expect(found).toBeGreaterThan(sigma * 0.85);
      expect(found).toBeLessThan(sigma * 1.15);
    }
  });

  it('makes do with one neighbour, and passes over one that is an exact repeat', () => {
    const [a, b] = [draw(1, 5), draw(2, 5)];
    for (const pictures of [
      [null, a, b],
      [b, a, null],
      [a, a, b],
    ]) {
      expect(estimate(pictures)).toBeGreaterThan(4.2);
      expect(estimate(pictures)).toBeLessThan(5.8);
    }
    expect(estimate([a, a, a])).toBe(0);
    expect(estimate([null, a, null])).toBe(0);
  });

  it('takes motion of a clean picture for little noise, and texture that stands still for none', () => {
    const texture = (x: number, y: number): number => 120 + 40 * Math.sin(x * 1.7) * Math.sin(y * 2.1);
    const still = draw(1, 0, texture);
    const flicker = drawPicture(SHAPE, (x, y) => texture(x, y) + (x === 5 && y === 5 ? 9 : 0));
    expect(estimate([flicker, still, flicker])).toBe(0);
    const drawShapes = (x: number, y: number): number => 110 + 60 * Math.sin(x / 19) + 30 * Math.cos(y / 13);
    const pan = [0, 3, 6].map((t) => draw(1, 0, (x, y) => drawShapes(x + t, y)));
    expect(estimate(pan)).toBeLessThan(0.5);
  });

  it('looks past black bars, where noise is clipped', () => {
    const drawBars = (x: number, y: number): number => (y < 60 || y >= 180 ? -100 : drawPhoto(x, y));
    expect(estimate([1, 2, 3].map((seed) => draw(seed, 5, drawBars)))).toBeGreaterThan(4);
  });

  it('tells nothing of planes that hold no block', () => {
    const shape = { ...SHAPE, width: 17, height: 40 };
    expect(
      estimate(
        [1, 2, 3].map((seed) => draw(seed, 5, drawPhoto, shape)),
        shape,
      ),
    ).toBe(0);
  });
});
