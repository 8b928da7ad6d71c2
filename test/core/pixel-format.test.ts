import { describe, expect, it } from 'vitest';
import {
  findPixelFormat,
  frameBytes,
  PIXEL_FORMATS,
  pixelFormat,
  planeSize,
} from '../../src/core/pixel-format.ts';

describe('pixel formats', () => {
  it.each([
    ['yuv420p', 720, 576, 622_080],
    ['yuv420p', 321, 241, 321 * 241 + 2 * 161 * 121],
    ['yuv411p', 720, 480, 720 * 480 * 1.5],
    ['yuv422p10le', 1920, 1080, 1920 * 1080 * 4],
    ['gbrap16le', 3, 2, 48],
    ['gray', 5, 5, 25],
  ])('%s at %ix%i has %i bytes', (name, width, height, bytes) => {
    expect(frameBytes(pixelFormat(name), width, height)).toBe(bytes);
  });

  it('rounds subsampled planes up', () => {
    expect(planeSize(pixelFormat('yuv410p'), 1, 9, 9)).toEqual({ width: 3, height: 3 });
  });

  it('finds every format by its traits', () => {
    for (const format of PIXEL_FORMATS.values()) expect(findPixelFormat(format)).toBe(format);
  });
});
