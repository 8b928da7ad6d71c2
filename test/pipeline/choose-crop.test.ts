import { describe, expect, it } from 'vitest';
import { checkCrop, chooseCrop, formatCrop, parseCrop } from '../../src/pipeline/choose-crop.ts';

describe('chooseCrop', () => {
  it('finds the patch of texture on flat ground, and takes a single hard edge for less', () => {
    const [width, height] = [400, 300];
    const luma = new Uint8Array(width * height).fill(100);
    for (let y = 0; y < height; y++) luma.fill(235, y * width, y * width + 40);
    for (let y = 200; y < 260; y++) {
      for (let x = 280; x < 340; x++) luma[y * width + x] = 100 + ((x * 7 + y * 13) % 23);
    }
    const crop = chooseCrop(luma, { width, height });
    expect(crop).toMatchObject({ width: 160, height: 120 });
    expect(crop.x).toBeLessThanOrEqual(280);
    expect(crop.x + crop.width).toBeGreaterThanOrEqual(340);
    expect(crop.y).toBeLessThanOrEqual(200);
    expect(crop.y + crop.height).toBeGreaterThanOrEqual(260);
  });

  it('takes small pictures whole', () => {
    const crop = chooseCrop(new Uint8Array(64 * 48), { width: 64, height: 48 });
    expect(crop).toEqual({ width: 64, height: 48, x: 0, y: 0 });
  });
});

describe('a crop in words', () => {
  it('is read as it is written', () => expect(formatCrop(parseCrop('160x120+8+0'))).toBe('160x120+8+0'));

  it.each(['160x120', '8x8+0+0', '160x120-1+0', 'x', '160x120+1+2+3'])('is not %j', (text) => {
    expect(() => parseCrop(text)).toThrow(expect.objectContaining({ code: 'USAGE' }) as Error);
  });

  it('lies inside of the picture', () => {
    const picture = { width: 200, height: 150 };
    checkCrop(parseCrop('160x120+40+30'), picture);
    expect(() => checkCrop(parseCrop('160x120+41+30'), picture)).toThrow(
      expect.objectContaining({ code: 'USAGE' }) as Error,
    );
  });
});
