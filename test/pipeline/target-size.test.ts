import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { UpscaleError } from '../../src/core/errors.ts';
import { chooseTargetSize } from '../../src/pipeline/target-size.ts';

const size = (width: number, height: number, asked: { scale?: number; to?: string }) =>
  chooseTargetSize({ width, height }, { scale: asked.scale, to: asked.to });

describe('chooseTargetSize', () => {
  it.each([
    [768, 576, { scale: 2 }, 1536, 1152],
    [768, 576, {}, 1536, 1152],
    [768, 576, { to: '4k' }, 2880, 2160],
    [1920, 1080, { to: '8k' }, 7680, 4320],
    [1920, 800, { to: '4K' }, 3840, 1600],
    [720, 1280, { to: '1080p' }, 1080, 1920],
    [720, 1280, { to: '1920x1080' }, 608, 1080],
    [321, 241, { scale: 1.5 }, 482, 362],
  ])('%ix%i with %j becomes %ix%i', (width, height, asked, outWidth, outHeight) => {
    expect(size(width, height, asked)).toMatchObject({ width: outWidth, height: outHeight });
  });

  it('fits, fills one side, keeps the shape within a pixel and even sizes', () => {
    const side = fc.integer({ min: 16, max: 1900 });
    fc.assert(
      fc.property(side, side, fc.constantFrom('4k', '8k'), (width, height, to) => {
        const box = to === '4k' ? [3840, 2160] : [7680, 4320];
        if (height > width) box.reverse();
        fc.pre(Math.min(Number(box[0]) / width, Number(box[1]) / height) <= 16);
        const out = size(width, height, { to });
        expect(out.width % 2).toBe(0);
        expect(out.height % 2).toBe(0);
        expect(out.width).toBeLessThanOrEqual(Number(box[0]));
        expect(out.height).toBeLessThanOrEqual(Number(box[1]));
        expect(out.width === box[0] || out.height === box[1]).toBe(true);
        expect(Math.abs(out.width - width * out.magnification)).toBeLessThanOrEqual(1);
        expect(Math.abs(out.height - height * out.magnification)).toBeLessThanOrEqual(1);
      }),
    );
  });

  it.each([
    [{ scale: 1 }],
    [{ scale: 0.5 }],
    [{ scale: Number.NaN }],
    [{ scale: 17 }],
    [{ to: 'huge' }],
    [{ scale: 2, to: '4k' }],
  ])('refuses %j', (asked) => {
    expect(() => size(720, 576, asked)).toThrow(UpscaleError);
  });

  it('says in plain words what a target gives no more than', () => {
    const codes = (asked: { scale?: number; to?: string }, width = 1920, height = 1080): string[] =>
      size(width, height, asked).notices.map(({ code }) => code);
    expect(codes({ to: '720p' })).toEqual(['target-smaller']);
    expect(codes({ to: '1080p' })).toEqual(['target-equal']);
    expect(codes({ scale: 2 })).toEqual([]);
    expect(codes({ to: '4k' }, 320, 240)).toEqual(['magnification-high']);
  });
});
