import { describe, expect, it } from 'vitest';
import {
  resolveUpscaleOptions,
  traceUpscaleOptions,
  type UpscaleRequest,
} from '../../src/config/resolve-options.ts';

describe('resolveUpscaleOptions', () => {
  it('has a value for every field, and the defaults that are documented', () => {
    expect(resolveUpscaleOptions()).toEqual({
      output: undefined,
      scale: undefined,
      to: undefined,
      model: undefined,
      device: 'auto',
      precision: 'auto',
      deinterlace: 'auto',
      temporal: 'auto',
      temporalRadius: 1,
      faithful: false,
      encoder: 'auto',
      crf: undefined,
      encoderPreset: undefined,
      encoderArgs: [],
      preset: undefined,
      audio: 'copy',
      chroma: 'auto',
      overwrite: false,
      provenance: 'auto',
      memory: undefined,
      workers: undefined,
      tile: 'auto',
      segmentSeconds: undefined,
      frames: undefined,
      strict: false,
      inputFrameRate: undefined,
      ffmpeg: undefined,
      ffprobe: undefined,
    });
  });

  it('lets what is given win over the preset, and the preset over the defaults', () => {
    const { options, origins } = traceUpscaleOptions({ preset: 'web', crf: 12 });
    expect(options).toMatchObject({ encoder: 'h264', crf: 12, audio: 'aac', deinterlace: 'auto' });
    expect(origins).toMatchObject({
      encoder: 'preset',
      crf: 'given',
      audio: 'preset',
      deinterlace: 'default',
    });
  });

  it('reads values as text and as what they are', () => {
    const text = { scale: '3' as unknown as number, memory: '4G', tile: '256' as unknown as number };
    expect(resolveUpscaleOptions(text)).toMatchObject({ scale: 3, memory: 4 * 2 ** 30, tile: 256 });
    expect(resolveUpscaleOptions({ scale: 3, memory: 4e9, tile: 256 })).toMatchObject({
      scale: 3,
      memory: 4e9,
      tile: 256,
    });
  });

  it.each<[string, UpscaleRequest]>([
    ['both sizes', { scale: 2, to: '4k' }],
    ['an unknown preset', { preset: 'best' }],
    ['an unknown option', { sacle: 2 } as UpscaleRequest],
    ['a tile that is none', { tile: 7 }],
    ['a rate that is none', { inputFrameRate: '0/1' }],
    ['words for a rate', { inputFrameRate: 'pal' }],
  ])('refuses %s', (_, request) => {
    expect(() => resolveUpscaleOptions(request)).toThrow(expect.objectContaining({ code: 'USAGE' }));
  });
});
