import { describe, expect, it } from 'vitest';
import { PIXEL_FORMATS } from '../../src/core/pixel-format.ts';
import { chooseWorkFormat } from '../../src/decode/choose-work-format.ts';
import { planarName, readPixelTraits } from '../../src/decode/pixel-traits.ts';

const PLANES = { modelChannels: 1, keepRgb: true, keepAlpha: true } as const;

describe('chooseWorkFormat', () => {
  it.each([
    ['yuv420p', 'yuv420p'],
    ['yuvj420p', 'yuv420p'],
    ['yuvj422p', 'yuv422p'],
    ['nv12', 'yuv420p'],
    ['yuyv422', 'yuv422p'],
    ['uyvy422', 'yuv422p'],
    ['p010le', 'yuv420p10le'],
    ['yuv420p9le', 'yuv420p10le'],
    ['yuv422p14le', 'yuv422p16le'],
    ['yuv444p12le', 'yuv444p12le'],
    ['yuv411p', 'yuv411p'],
    ['yuv410p', 'yuv410p'],
    ['yuv440p10le', 'yuv444p10le'],
    ['yuva420p', 'yuva420p'],
    ['yuva444p12le', 'yuva444p16le'],
    ['gray', 'yuv420p'],
    ['gray10le', 'yuv420p10le'],
    ['monow', 'yuv420p'],
    ['rgb24', 'gbrp'],
    ['bgra', 'gbrap'],
    ['bgr8', 'gbrp'],
    ['pal8', 'gbrap'],
    ['rgb48be', 'gbrp16le'],
    ['gbrp10le', 'gbrp10le'],
    ['gbrp9le', 'gbrp10le'],
    ['gbrpf32le', 'gbrp16le'],
  ])('%s is worked on as %s', (pixelFormat, expected) => {
    const { hasAlpha } = readPixelTraits(pixelFormat);
    const format = chooseWorkFormat({ pixelFormat, hasAlpha, rotation: 0 }, PLANES);
    expect(format).toBe(expected);
    expect(PIXEL_FORMATS.has(format)).toBe(true);
  });

  it.each([
    ['yuv420p', { modelChannels: 3, keepRgb: false, keepAlpha: false }, 'gbrp'],
    ['yuv422p10le', { modelChannels: 3, keepRgb: false, keepAlpha: true }, 'gbrp10le'],
    ['rgb24', { modelChannels: 1, keepRgb: false, keepAlpha: false }, 'yuv444p'],
    ['bgra', { modelChannels: 1, keepRgb: true, keepAlpha: false }, 'gbrp'],
    ['yuva420p', { modelChannels: 1, keepRgb: true, keepAlpha: false }, 'yuv420p'],
  ] as const)('%s with %o becomes %s', (pixelFormat, wishes, expected) => {
    const { hasAlpha } = readPixelTraits(pixelFormat);
    expect(chooseWorkFormat({ pixelFormat, hasAlpha, rotation: 0 }, wishes)).toBe(expected);
  });

  it('keeps all chroma of 4:2:2 that is turned by a quarter', () => {
    const video = { pixelFormat: 'yuv422p10le', hasAlpha: false };
    expect(chooseWorkFormat({ ...video, rotation: 90 }, PLANES)).toBe('yuv444p10le');
    expect(chooseWorkFormat({ ...video, rotation: 180 }, PLANES)).toBe('yuv422p10le');
  });
});

describe('planarName', () => {
  it.each([
    ['uyvy422', 'yuv422p'],
    ['yuvj420p', 'yuvj420p'],
    ['p010le', 'yuv420p10le'],
    ['yuva444p12le', 'yuva444p12le'],
    ['rgba', 'gbrap'],
    ['gray10le', 'gray10le'],
  ])('%s is planar as %s', (name, planar) => {
    expect(planarName(readPixelTraits(name))).toBe(planar);
  });
});
